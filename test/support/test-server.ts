import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { chmod, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPassword, startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { migrate, provisionApp, withClient } from '../../src/database/provision.js';

/** What the test files need to make databases of their own. Handed on through the environment. */
export interface TestServer {
  adminUrl: string;
  owner: { name: string; password: string };
  app: { name: string; password: string };
  template: string;
}

const MEMORY = '/dev/shm';
const MIN_ROOM_BYTES = 4 * 2 ** 30;

export const SERVER_VARIABLE = 'TEST_POSTGRES';

/** A throw-away server, or the one of DATABASE_URL, with a migrated template database on it. */
export async function startTestServer(): Promise<() => Promise<void>> {
  const { adminUrl, stop } = await openServer();
  const run = randomBytes(4).toString('hex');
  const server: TestServer = {
    adminUrl,
    owner: { name: `bulwark_test_owner_${run}`, password: createPassword() },
    app: { name: `bulwark_test_app_${run}`, password: createPassword() },
    template: `bulwark_test_template_${run}`,
  };
  const stopAll = async () => {
    await removeTraces(server);
    await stop();
  };
  try {
    await createTemplate(server);
  } catch (error) {
    await stopAll();
    throw error;
  }
  process.env[SERVER_VARIABLE] = JSON.stringify(server);
  return stopAll;
}

async function createTemplate(server: TestServer): Promise<void> {
  const { owner, template } = server;
  await withClient(server.adminUrl, async (admin) => {
    await admin.query(`CREATE ROLE ${owner.name} LOGIN CREATEROLE PASSWORD '${owner.password}'`);
    await admin.query(`GRANT ${owner.name} TO CURRENT_USER`);
    // The group stays on the server: since PostgreSQL 16 only who made it may hand it on, and the
    // owner of this run will be gone when the next run comes.
    const { rowCount } = await admin.query(`SELECT FROM pg_roles WHERE rolname = 'bulwark_app'`);
    if (!rowCount) await admin.query('CREATE ROLE bulwark_app NOLOGIN');
    await admin.query(`GRANT bulwark_app TO ${owner.name} WITH ADMIN OPTION`);
    await admin.query(`CREATE DATABASE ${template} OWNER ${owner.name}`);
  });
  const urls = urlsOf(server, template);
  await migrate(urls.owner);
  await provisionApp(urls.owner, urls.app);
  // So that a test may do with the app's role what a careless operator would, without a superuser.
  const admin = decodeURIComponent(new URL(server.adminUrl).username);
  await withClient(urls.owner, (client) =>
    client.query(`GRANT ${server.app.name} TO ${client.escapeIdentifier(admin)}`),
  );
}

async function openServer() {
  const given = process.env['DATABASE_URL'];
  if (given) return { adminUrl: given, stop: async () => {} };
  const folder = mkdtempSync(join(await scratch(), 'bulwark-test-'));
  await chmod(folder, 0o755);
  const superuserPassword = createPassword();
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder, 'postgres'),
    superuserPassword,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
  });
  const adminUrl = `postgres://postgres:${superuserPassword}@127.0.0.1:${postgres.port}/postgres`;
  const stop = async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { adminUrl, stop };
}

/**
 * In memory, where there is room: every test file and every state of a lesson has a database of its own, of
 * 400 files, and ext4 looks through all that were deleted within a minute before it makes the next one.
 */
async function scratch(): Promise<string> {
  const room = await statfs(MEMORY).catch(() => undefined);
  return room && room.bavail * room.bsize > MIN_ROOM_BYTES ? MEMORY : tmpdir();
}

export function urlsOf(server: TestServer, database: string) {
  const url = ({ name, password }: { name: string; password: string }) => {
    const result = new URL(server.adminUrl);
    result.username = name;
    result.password = password;
    result.pathname = `/${database}`;
    return result.href;
  };
  const admin = new URL(server.adminUrl);
  admin.pathname = `/${database}`;
  return { owner: url(server.owner), app: url(server.app), admin: admin.href };
}

async function removeTraces(server: TestServer): Promise<void> {
  await withClient(server.adminUrl, async (admin) => {
    const pattern = server.template.replace('template', '%');
    const { rows } = await admin.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE datname LIKE $1',
      [pattern],
    );
    for (const { datname } of rows) await admin.query(`DROP DATABASE ${datname} WITH (FORCE)`);
    await admin.query(`DROP ROLE IF EXISTS ${server.app.name}, ${server.owner.name}`);
  });
}
