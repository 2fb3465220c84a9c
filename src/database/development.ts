import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../config/environment.js';
import { createDevelopmentSecrets } from '../config/secrets.js';
import { ACROSS_OWNERS } from './acting.js';
import { createPassword, findRunningPort, startEmbeddedPostgres } from './embedded-postgres.js';
import { migrate, provisionApp, withClient } from './provision.js';

const FOLDER = join(import.meta.dirname, '../../.data');
const DATA = join(FOLDER, 'postgres');

interface Surroundings {
  env: Environment;
  stop: () => Promise<void>;
}

/**
 * What a bare machine lacks: secrets, a database server, its roles and the schema, all kept in
 * `.data/`. A variable that is set is left as it is; production gets nothing from here.
 */
export async function completeEnvironment(env: Environment): Promise<Surroundings> {
  if (env['NODE_ENV'] === 'production') return { env, stop: async () => {} };
  const withSecrets = await developmentSecrets(env);
  if (env['DATABASE_URL'] || env['DATABASE_URL_FILE'])
    return { env: withSecrets, stop: async () => {} };
  const { owner, app, stop } = await developmentOwnerUrls(env);
  const complete = { ...withSecrets, DATABASE_URL: app };
  await orStop(stop, async () => {
    await migrate(owner, complete);
    await provisionApp(owner, app);
  });
  return { env: complete, stop };
}

/** Whoever cannot go on ends after the server, which the next start would meet while it ends. */
async function orStop(stop: Surroundings['stop'], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await stop();
    throw error;
  }
}

async function secretsFor(env: Environment): Promise<Environment> {
  const made: Environment = await remember('secrets.json', createDevelopmentSecrets);
  const secrets: Record<string, string | undefined> = { APP_SECRET: made['APP_SECRET'] };
  const fresh: Environment = createDevelopmentSecrets();
  for (const [name, file] of Object.entries(KEY_SETS)) {
    const set = made[name] ?? fresh[name] ?? '';
    await remember(file, () => JSON.parse(set) as object);
    if (!env[name]) secrets[`${name}_FILE`] = join(FOLDER, file);
  }
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !env[`${name}_FILE`]));
}

/** The secrets of development, where none are given. */
export const developmentSecrets = async (env: Environment): Promise<Environment> =>
  env['NODE_ENV'] === 'production' ? env : { ...(await secretsFor(env)), ...env };

/** Sets of keys have files of their own, as in production: a rotation writes them while the app runs. */
const KEY_SETS = { SIGNING_KEYS: 'signing-keys.json', ENCRYPTION_KEYS: 'encryption-keys.json' };

/** Starts the development server, with the database and its owner, and says how to reach it. */
export async function developmentOwnerUrls(env: Environment) {
  if (env['NODE_ENV'] === 'production')
    throw new Error(
      'Production has a database of its own: set DATABASE_OWNER_URL and DATABASE_URL',
    );
  const passwords = await rememberPasswords();
  const superuserPassword = passwords.postgres;
  const { port, stop } = await startEmbeddedPostgres({ dataDir: DATA, superuserPassword });
  const { superuser, owner, app } = urlsAt(port, passwords);
  await orStop(stop, () => createOwner(superuser, passwords.owner));
  return { owner, app, stop };
}

/** For tools of the developer's: the owner asks across owners. Undefined when no server runs. */
export async function runningUrls(): Promise<{ owner: string; app: string } | undefined> {
  const port = await findRunningPort(DATA);
  if (!port) return undefined;
  const { owner, app } = urlsAt(port, await rememberPasswords());
  return {
    owner: `${owner}?options=${encodeURIComponent(`-c bulwark.actor=${ACROSS_OWNERS}`)}`,
    app,
  };
}

const rememberPasswords = () =>
  remember('postgres.json', () => ({
    postgres: createPassword(),
    owner: createPassword(),
    app: createPassword(),
  }));
type Passwords = Awaited<ReturnType<typeof rememberPasswords>>;

function urlsAt(port: number, passwords: Passwords) {
  const url = (user: string, password: string, database = 'bulwark') =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  return {
    superuser: url('postgres', passwords.postgres, 'postgres'),
    owner: url('bulwark_owner', passwords.owner),
    app: url('bulwark_login', passwords.app),
  };
}

async function createOwner(superuserUrl: string, password: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const role = await client.query("SELECT FROM pg_roles WHERE rolname = 'bulwark_owner'");
    if (!role.rowCount)
      await client.query(
        `CREATE ROLE bulwark_owner LOGIN CREATEROLE PASSWORD ${client.escapeLiteral(password)}`,
      );
    const database = await client.query("SELECT FROM pg_database WHERE datname = 'bulwark'");
    if (!database.rowCount) await client.query('CREATE DATABASE bulwark OWNER bulwark_owner');
  });
}

/** What was made once is read again at the next start. Readable by its owner only. */
async function remember<T>(file: string, make: () => T): Promise<T> {
  const path = join(FOLDER, file);
  if (!existsSync(path)) await write(path, make());
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** Of several that start at once one makes it, and under its name it is never half written. */
async function write(path: string, value: unknown): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(value, null, 2), { mode: 0o600 });
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
}
