import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { ACROSS_OWNERS } from '../../src/database/acting.js';
import { withClient } from '../../src/database/provision.js';
import { SERVER_VARIABLE, urlsOf, type TestServer } from './test-server.js';

/** A database of a test file's own, cloned from the migrated template. */
export interface TestDatabase {
  name: string;
  urls: { owner: string; app: string; admin: string };
  /** Rows as the owner of the database sees them: what a test asserts on. */
  query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  drop: () => Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = JSON.parse(process.env[SERVER_VARIABLE] ?? '{}') as TestServer;
  const name = server.template.replace('template', randomBytes(4).toString('hex'));
  await withClient(server.adminUrl, async (admin) => {
    // As files, with what PostgreSQL has worked out about them.
    await admin.query(
      `CREATE DATABASE ${name} TEMPLATE ${server.template} OWNER ${server.owner.name} STRATEGY FILE_COPY`,
    );
    // The rights on a database are not copied with it.
    await admin.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    await admin.query(`GRANT CONNECT ON DATABASE ${name} TO ${server.app.name}`);
  });
  const urls = urlsOf(server, name);
  const options = `-c bulwark.actor=${ACROSS_OWNERS}`;
  const pool = new pg.Pool({ connectionString: urls.owner, options, max: 2 });
  // A test may cut every connection on purpose.
  pool.on('error', () => {});
  return {
    name,
    urls,
    query: async (text, values) => (await pool.query(text, values)).rows,
    drop: async () => {
      await pool.end();
      await withClient(server.adminUrl, (admin) =>
        admin.query(`DROP DATABASE ${name} WITH (FORCE)`),
      );
    },
  };
}
