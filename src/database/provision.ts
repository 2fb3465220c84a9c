import pg from 'pg';
import { DataSource } from 'typeorm';
import { ACROSS_OWNERS } from './acting.js';
import { installJobQueue } from './job-queue-schema.js';
import type { Environment } from '../config/environment.js';
import {
  fileOf,
  loadMigrations,
  MIGRATION_OPTIONS,
  MigrationFileError,
  type FileMigration,
} from './migrations.js';
import { sealRows } from './seal-rows.step.js';

/** Held while migrating, so that two deployments at once do not migrate twice. Any fixed number. */
const MIGRATION_LOCK = 812_731_945;

/** Policies hold for the owner, too, and what tools change is everybody's. */
const TOOL = { options: `-c bulwark.actor=${ACROSS_OWNERS}` };
/** Partitions of the audit log, of this month and the three to come. */
const AUDIT_PARTITIONS = 'SELECT audit_make_partitions()';

/** Runs SQL on one connection of its own, across owners. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>) {
  const client = new pg.Client({ connectionString: url, ...TOOL });
  // Losing the connection also rejects the query under way, which tells the caller.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Brings a database to the newest schema as its owner; answers the files that it ran. The
 * environment is needed where rows are to be encrypted that are not.
 */
export async function migrate(ownerUrl: string, env: Environment = {}): Promise<string[]> {
  return withOwner(ownerUrl, env, async (owner) => {
    // The first migration grants the app the right to read this table, so it must be there before.
    await owner.query(`CREATE TABLE IF NOT EXISTS migrations (
      id serial PRIMARY KEY, "timestamp" bigint NOT NULL, name varchar NOT NULL)`);
    // What ran before hashes were kept has none.
    await owner.query(`ALTER TABLE migrations
      ADD IF NOT EXISTS hash text DEFAULT current_setting('bulwark.migration_hash', true)`);
    await refuseChanged(owner);
    const ran = await owner.runMigrations();
    await owner.query(AUDIT_PARTITIONS);
    await installJobQueue(ownerUrl, owner);
    return ran.map(({ name }) => fileOf(name));
  });
}

/** Takes back the newest migration; answers its file, or nothing when there is none. */
export async function undoLastMigration(ownerUrl: string): Promise<string | undefined> {
  return withOwner(ownerUrl, {}, async (owner) => {
    const [newest]: { name: string }[] = await owner.query(
      'SELECT name FROM migrations ORDER BY id DESC LIMIT 1',
    );
    if (!newest) return undefined;
    const file = fileOf(newest.name);
    if (!owner.migrations.some(({ name }) => name === newest.name))
      throw new MigrationFileError(
        `migrations/${file} ran here and is gone, and with it the way back: put the file back first`,
      );
    await owner.undoLastMigration();
    return file;
  });
}

/** What ran does not run again: its change would be made in new databases only, and nobody would know. */
async function refuseChanged(owner: DataSource): Promise<void> {
  const ran: Pick<FileMigration, 'name' | 'hash'>[] = await owner.query(
    'SELECT name, hash FROM migrations WHERE hash IS NOT NULL',
  );
  const changed = (owner.migrations as FileMigration[]).filter(({ name, hash }) =>
    ran.some((row) => row.name === name && row.hash !== hash),
  );
  if (changed.length === 0) return;
  const files = changed.map(({ name }) => fileOf(name)).join(', ');
  throw new MigrationFileError(
    `${files} was changed after it ran: npm run migrate:undo, then npm run migrate. ` +
      'Where others have run it, put it back and write a new one: npm run migrate:new',
  );
}

async function withOwner<T>(
  ownerUrl: string,
  env: Environment,
  work: (owner: DataSource) => Promise<T>,
): Promise<T> {
  const owner = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    extra: TOOL,
    installExtensions: false,
    ...MIGRATION_OPTIONS,
    migrations: loadMigrations(undefined, { 'seal-rows': sealRows(env) }),
  });
  return withClient(ownerUrl, async (lock) => {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await owner.initialize();
    try {
      return await work(owner);
    } finally {
      await owner.destroy();
    }
  });
}

/**
 * Makes the login of the app, a member of `bulwark_app`, and takes from PUBLIC what a new database
 * gives to everybody. The schema must be there. Safe to repeat.
 */
export async function provisionApp(ownerUrl: string, appUrl: string): Promise<void> {
  const app = new URL(appUrl);
  const name = decodeURIComponent(app.username);
  if (name === decodeURIComponent(new URL(ownerUrl).username))
    throw new Error('The app and the owner need two roles: use another user in DATABASE_URL');
  await withClient(ownerUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
    if (!rowCount) {
      const password = decodeURIComponent(app.password);
      await client.query(
        `CREATE ROLE ${client.escapeIdentifier(name)} LOGIN PASSWORD ${client.escapeLiteral(password)}`,
      );
    }
    const { rows } = await client.query<{ member: boolean }>(
      "SELECT pg_has_role($1, 'bulwark_app', 'member') AS member",
      [name],
    );
    if (!rows[0]?.member)
      await client.query(`GRANT bulwark_app TO ${client.escapeIdentifier(name)}`);
    await closeDatabaseToOthers(client, name);
  });
}

async function closeDatabaseToOthers(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const { name = '' } = rows[0] ?? {};
  await client.query(`REVOKE ALL ON DATABASE ${client.escapeIdentifier(name)} FROM PUBLIC`);
  await client.query(
    `GRANT CONNECT ON DATABASE ${client.escapeIdentifier(name)} TO ${client.escapeIdentifier(role)}`,
  );
}
