import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Child, productionEnvironment, run, scratchCopy, servedBy } from './support/child.js';
import { Client } from './support/client.js';
import {
  createResource,
  login,
  newEmail,
  newPassword,
  signUpByMail,
  type Person,
} from './support/factories.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const copy = scratchCopy();
const children: Child[] = [];

beforeAll(async () => {
  expect(await run(['scripts/build.js'], { cwd: copy.folder })).toEqual({ code: 0, output: '' });
}, 120_000);
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  copy.remove();
});

/** Node lets it read files and load its libraries; writing one, anywhere, throws. */
const WITHOUT_FILES = [
  '--permission',
  '--allow-fs-read=*',
  '--allow-addons',
  '--disable-warning=SecurityWarning',
];

const start = (env: NodeJS.ProcessEnv, flags: string[] = []) => {
  const args = [...flags, '--enable-source-maps', 'dist/main.js'];
  const child = new Child(args, { cwd: copy.folder, env });
  children.push(child);
  return child;
};
const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the built app in production', () => {
  it('serves without documentation, and logs JSON only', async () => {
    const database = await createTestDatabase();
    // Production asks for TLS to any database that is not on this machine, as the proxy is.
    const proxy = await PostgresProxy.before(database.urls.app);
    const child = start(productionEnvironment(proxy.url));
    const url = await servedBy(child);
    const ada = await signUpByMail({ database, client: () => new Client(url) });
    const created = await createResource(ada);
    expect((await ada.client.get(`/v1/resources/${created.id}`)).body).toEqual(created);
    for (const path of ['/docs', '/docs/openapi.json'])
      expect((await ada.client.get(path)).status).toBe(404);
    child.kill('SIGTERM');
    expect(await child.exit).toBe(0);
    const lines = child.output.trim().split('\n');
    expect(lines.every((line) => line.startsWith('{') && JSON.parse(line))).toBe(true);
    await proxy.close();
    await database.drop();
  }, 120_000);

  it('writes lines to its standard output, security events too, and nothing anywhere else', async () => {
    const database = await createTestDatabase();
    const proxy = await PostgresProxy.before(database.urls.app);
    const child = start(productionEnvironment(proxy.url), WITHOUT_FILES);
    const url = await servedBy(child);
    const client = new Client(url);
    await client.post('/v1/auth/login', { email: newEmail(), password: newPassword() });
    await signUpByMail({ database, client: () => client });
    child.kill('SIGTERM');
    expect(await child.exit).toBe(0);
    expect(child.errors).toBe('');
    expect(child.output).toContain('"event":"authn_login_fail"');
    expect(child.output).not.toContain('ERR_ACCESS_DENIED');
    await proxy.close();
    await database.drop();
  }, 120_000);

  it.each([
    ['no secrets', { APP_SECRET: undefined, SIGNING_KEYS: undefined }, 'APP_SECRET is missing'],
    ['no database', { DATABASE_URL: undefined }, 'DATABASE_URL is missing'],
  ])(
    'does not start with %s, and says why in words',
    async (_what, without, message) => {
      const given = { ...productionEnvironment('postgres://a:b@127.0.0.1:1/c'), ...without };
      const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
      const child = start(env);
      expect(await child.exit).toBe(1);
      expect(child.output).toContain(message);
      expect(child.output).not.toMatch(/^ +at /m);
    },
    60_000,
  );
});

describe('the built commands in production', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it.each([
    ['migrate', [], 'none, the schema is current'],
    ['keys-status', [], 'wraps; 0 data keys'],
    ['audit-verify', [], 'The audit log is whole'],
    ['audit-checkpoint', ['--key'], '"crv":"Ed25519"'],
    ['audit-retain', [], 'Dropped 0 events'],
    ['admin-create', ['root@example.com'], 'Administrator root@example.com'],
    ['keys-rotate', [], 'Set ENCRYPTION_KEYS to this for every instance'],
  ])(
    'run without TypeScript: %s',
    async (command, args, answer) => {
      // Of the commands, two ask for it; the server refuses to have it.
      const owner = ['migrate', 'audit-retain'].includes(command) && database.urls.owner;
      const env = {
        ...productionEnvironment(database.urls.app),
        ...(owner && { DATABASE_OWNER_URL: owner }),
      };
      const file = `dist/commands/${command}.js`;
      const { code, output } = await run([file, ...args], { cwd: copy.folder, env });
      expect(output).toContain(answer);
      expect(code).toBe(0);
    },
    60_000,
  );
});

describe('the built app on a bare machine', () => {
  const credentials: Partial<Person> = {};
  const postmaster = join(copy.folder, '.data/postgres/postmaster.pid');
  let postgresPid: number;

  const startBare = async () => {
    const child = start({ PORT: '0' });
    const url = await child.printed(/Bulwark listens on +(http:\S+)/);
    postgresPid = Number(readFileSync(postmaster, 'utf8').split('\n')[0]);
    return { child, client: () => new Client(url) };
  };

  it('brings a database of its own, and says what can be done next', async () => {
    const app = await startBare();
    expect(app.child.output).toContain('/docs');
    expect(app.child.output).toContain('npm run admin:create');
    expect((await app.client().get('/v1/health/ready')).status).toBe(200);
    Object.assign(credentials, { email: newEmail(), password: newPassword() });
    await app.client().post('/v1/auth/register', credentials);
    const token = await app.child.printed(/\/account\/verify-address#([\w-]{43})/);
    const { password } = credentials;
    const verified = await app.client().post('/v1/auth/verify-address', { token, password });
    expect(verified.status).toBe(204);
    expect(isRunning(postgresPid)).toBe(true);
    app.child.kill('SIGINT');
    expect(await app.child.exit).toBe(0);
    expect(isRunning(postgresPid)).toBe(false);
  }, 120_000);

  it('keeps its data and its secrets', async () => {
    const secrets = readFileSync(join(copy.folder, '.data/secrets.json'), 'utf8');
    const app = await startBare();
    const { email = '', password = '' } = credentials;
    await expect(login(app.client(), email, password)).resolves.toMatchObject({ expiresIn: 600 });
    expect(readFileSync(join(copy.folder, '.data/secrets.json'), 'utf8')).toBe(secrets);
    app.child.kill('SIGTERM');
    expect(await app.child.exit).toBe(0);
    expect(isRunning(postgresPid)).toBe(false);
  }, 120_000);

  // Only there can the system end the one with the other.
  const onLinux = existsSync('/usr/bin/setpriv') ? it : it.skip;
  onLinux(
    'leaves no database running when it is killed',
    async () => {
      const { child } = await startBare();
      child.kill('SIGKILL');
      await child.exit;
      while (isRunning(postgresPid)) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    120_000,
  );
  it('says how to reach its database while it runs', async () => {
    const url = (...args: string[]) =>
      run(['dist/commands/db-url.js', ...args], { cwd: copy.folder });
    expect(await url()).toEqual({ code: 1, output: expect.stringContaining('npm start') });
    const app = await startBare();
    const ask = async (address: { output: string }) =>
      withConnection(address.output.trim(), 'SELECT current_user AS role, id FROM users');
    expect(await ask(await url())).toMatchObject([{ role: 'bulwark_owner' }]);
    expect(await ask(await url('--app'))).toEqual([]);
    app.child.kill('SIGTERM');
    await app.child.exit;
  }, 120_000);

  it('does not start with a migration that is empty, and says so in words', async () => {
    const file = join(copy.folder, 'migrations/9000-notes.sql');
    writeFileSync(file, '-- up\n\n\n-- down\n\n');
    const child = start({ PORT: '0' });
    expect(await child.exit).toBe(1);
    rmSync(file);
    expect(child.output).toContain('migrations/9000-notes.sql has nothing to do yet');
    expect(child.output).not.toMatch(/^ +at /m);
    expect(pidIn(postmaster)).toBe(0);
  }, 60_000);

  it('leaves no database running when it is stopped while it starts', async () => {
    const child = start({ PORT: '0' });
    while (!pidIn(postmaster)) await new Promise((resolve) => setTimeout(resolve, 5));
    postgresPid = pidIn(postmaster);
    child.kill('SIGINT');
    expect(await child.exit).toBe(0);
    expect(isRunning(postgresPid)).toBe(false);
  }, 120_000);

  it('leaves no database running when it cannot start', async () => {
    const child = start({ PORT: '0', HOST: '192.0.2.1' });
    while (!pidIn(postmaster)) await new Promise((resolve) => setTimeout(resolve, 5));
    postgresPid = pidIn(postmaster);
    expect(await child.exit).toBe(1);
    expect(child.output).toContain('EADDRNOTAVAIL');
    expect(isRunning(postgresPid)).toBe(false);
  }, 120_000);
});

/** As psql would: with nothing but the address. */
async function withConnection(connectionString: string, statement: string) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

function pidIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').split('\n')[0]);
  } catch {
    return 0;
  }
}
