import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '../src/config/config.js';
import { fileOf, loadMigrations } from '../src/database/migrations.js';
import { undoLastMigration } from '../src/database/provision.js';
import { run, scratchCopy, source } from './support/child.js';
import { login, newEmail } from './support/factories.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const copy = scratchCopy();
afterAll(() => copy.remove());

const inCopy = (args: string[], env = {}) => run(args, { cwd: copy.folder, env });

describe('npm run admin:create', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());
  const create = (...args: string[]) =>
    inCopy(source('commands/admin-create.ts', ...args), testEnvironment(app.database.urls.app));
  const users = () => app.database.query('SELECT email, role, password_hash FROM users');

  it('makes an administrator, and shows the password once', async () => {
    const email = newEmail();
    const { code, output } = await create(email.toUpperCase());
    expect(code).toBe(0);
    const password = /Password +(\S+)/.exec(output)?.[1] ?? '';
    expect(output.split(password)).toHaveLength(2);
    expect(password).toHaveLength(24);
    const tokens = await login(app.client(), email, password);
    const answer = await app.client().withToken(tokens.accessToken).get('/v1/users');
    expect(answer.status).toBe(200);
    const before = await users();
    expect(JSON.stringify(before)).not.toContain(password);

    const again = await create(email);
    expect(again).toEqual({ code: 1, output: `${email} is taken\n` });
    expect(await users()).toEqual(before);
  }, 60_000);

  it.each([['x'], ['@example.com'], [`${'x'.repeat(300)}@example.com`]])(
    'makes nobody of %j',
    async (...args: string[]) => {
      const before = await users();
      const { code, output } = await create(...args);
      expect(code).toBe(1);
      expect(output).toContain('Name an e-mail address');
      expect(output).not.toContain('Password');
      expect(await users()).toEqual(before);
    },
    60_000,
  );
});

describe('npm run migrate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  const migrate = (...args: string[]) =>
    inCopy(source('commands/migrate.ts', ...args), {
      DATABASE_OWNER_URL: database.urls.owner,
      DATABASE_URL: database.urls.app,
    });
  const NEWEST = fileOf(
    loadMigrations()
      .map((Migration) => new Migration().name)
      .at(-1) ?? '',
  );

  it('takes the last step back, makes it again, and then has nothing to do', async () => {
    expect(await migrate('undo')).toEqual({ code: 0, output: `Undone: ${NEWEST}\n` });
    expect(await migrate()).toEqual({ code: 0, output: `Migrations run: ${NEWEST}\n` });
    const output = 'Migrations run: none, the schema is current\n';
    expect(await migrate()).toEqual({ code: 0, output });
  }, 120_000);

  it('takes nothing back where there is nothing', async () => {
    while (await undoLastMigration(database.urls.owner));
    expect(await migrate('undo')).toEqual({ code: 0, output: 'Undone: nothing\n' });
  }, 60_000);

  it("asks for the owner when it is given the app's database only", async () => {
    const args = source('commands/migrate.ts');
    const { code, output } = await inCopy(args, { DATABASE_URL: database.urls.app });
    expect(code).toBe(1);
    expect(output).toContain('Set DATABASE_OWNER_URL');
  }, 60_000);

  it('starts no database of its own in production', async () => {
    const args = source('commands/migrate.ts');
    const { code, output } = await inCopy(args, { NODE_ENV: 'production' });
    expect(code).toBe(1);
    expect(output).toContain('set DATABASE_OWNER_URL');
    expect(existsSync(join(copy.folder, '.data/postgres'))).toBe(false);
  }, 60_000);
});

describe('npm run migrate:new', () => {
  const folder = join(copy.folder, 'migrations');
  const create = (...args: string[]) => inCopy(source('commands/migrate-new.ts', ...args));

  it('makes the next file, in the form that it needs', async () => {
    const newest = Math.max(...readdirSync(folder).map((name) => Number.parseInt(name, 10)));
    const number = String(newest + 1).padStart(4, '0');
    const file = `${number}-add-tags.sql`;
    expect(await create('add-tags')).toEqual({ code: 0, output: `migrations/${file}\n` });
    const names = loadMigrations(folder).map((Migration) => new Migration().name);
    expect(names.at(-1)).toBe(`add-tags${number.padStart(13, '0')}`);
  }, 60_000);

  it.each([[], ['Add tags'], ['../evil'], ['add_tags'], ['']])(
    'refuses %j',
    async (...args: string[]) => {
      const before = readdirSync(folder);
      const { code, output } = await create(...args);
      expect(code).toBe(2);
      expect(output).toContain('kebab-case');
      expect(readdirSync(folder)).toEqual(before);
    },
    60_000,
  );
});

describe('npm run secrets:create', () => {
  const create = (...args: string[]) => inCopy(source('commands/secrets-create.ts', ...args));
  const folder = join(copy.folder, 'secrets');
  const file = (name: string) => join(folder, name);
  const entries = () => ['.', ...readdirSync(folder, { encoding: 'utf8', recursive: true })];

  it('writes secrets for production that only their owner can read', async () => {
    expect((await create('secrets')).code).toBe(0);
    for (const name of entries()) {
      const stat = statSync(file(name));
      expect(stat.mode & 0o777).toBe(stat.isDirectory() ? 0o700 : 0o600);
    }
    const config = new Config({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://api.example.org',
      DATABASE_URL_FILE: file('database_url'),
      APP_SECRET_FILE: file('app_secret'),
      SIGNING_KEYS_FILE: file('keys/signing_keys'),
      ENCRYPTION_KEYS_FILE: file('keys/encryption_keys'),
      // Whose mail server it is, only the operator knows.
      SMTP_URL: 'smtps://smtp.example.org',
      MAIL_FROM: 'no-reply@example.org',
    });
    expect(config.production).toBe(true);
    expect(config.signingKeys).toHaveLength(1);
    expect(config.encryptionKeys).toHaveLength(1);
  }, 60_000);

  it('prints no secret, and never writes over one', async () => {
    const secrets = () =>
      entries()
        .filter((name) => statSync(file(name)).isFile())
        .map((name) => readFileSync(file(name), 'utf8'));
    const before = secrets();
    const { code, output } = await create('secrets');
    expect(code).toBe(1);
    for (const secret of before) expect(output).not.toContain(secret);
    expect(secrets()).toEqual(before);
  }, 60_000);

  it('writes nothing where one of its files is there already', async () => {
    await create('half');
    const half = join(copy.folder, 'half');
    const fresh = join(copy.folder, 'fresh');
    const names = readdirSync(half);
    const last = names.at(-1) ?? '';
    await inCopy(['-e', `fs.mkdirSync('fresh')`]);
    writeFileSync(join(fresh, last), 'kept');
    expect((await create('fresh')).code).toBe(1);
    expect(readFileSync(join(fresh, last), 'utf8')).toBe('kept');
    expect(readdirSync(fresh)).toEqual([last]);
  }, 60_000);

  it('asks for a folder', async () => {
    const { code, output } = await create();
    expect(code).toBe(2);
    expect(output).toContain('secrets:create -- FOLDER');
    expect(existsSync(join(copy.folder, 'app_secret'))).toBe(false);
  }, 60_000);
});
