import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOf, loadMigrations } from '../src/database/migrations.js';
import { migrate, provisionApp, undoLastMigration, withClient } from '../src/database/provision.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const FILES = loadMigrations().map((Migration) => fileOf(new Migration().name));

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

/** All that a migration can make: columns, indexes, constraints, triggers, functions and rights. */
const schema = async () => ({
  columns: await database.query(`
    SELECT table_name, column_name, data_type, column_default, is_nullable, datetime_precision
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`),
  indexes: await database.query(
    `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`,
  ),
  constraints: await database.query(`
    SELECT conrelid::regclass::text AS at, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`),
  triggers: await database.query(`
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`),
  functions: await database.query(`
    SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`),
  rights: await database.query(`
    SELECT relname, relacl::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1`),
});
const tables = async () =>
  (
    await database.query<{ relname: string }>(`
      SELECT relname FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`)
  ).map(({ relname }) => relname);

describe('the migrations', () => {
  it('run down to nothing and up again to the same schema', async () => {
    const before = await schema();
    expect(before.triggers.length).toBeGreaterThan(0);
    const undone: string[] = [];
    while ((await tables()).length > 1)
      undone.push((await undoLastMigration(database.urls.owner)) ?? 'nothing');
    expect(undone).toEqual(FILES.toReversed());
    expect(await tables()).toEqual(['migrations']);
    expect((await schema()).functions).toEqual([]);
    expect(await undoLastMigration(database.urls.owner)).toBeUndefined();

    expect(await migrate(database.urls.owner)).toEqual(undone.toReversed());
    expect(await schema()).toEqual(before);
  });

  it('do nothing the second time', async () => {
    const before = await schema();
    expect(await migrate(database.urls.owner)).toEqual([]);
    expect(await schema()).toEqual(before);
  });

  it('run once when two deployments run them at the same time', async () => {
    while (await undoLastMigration(database.urls.owner));
    const runs = await Promise.all([1, 2, 3].map(() => migrate(database.urls.owner)));
    const names = runs.flat();
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(FILES.length);
    const noted = await database.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
    expect(noted.map(({ name }) => fileOf(name))).toEqual(names);
  });
});

describe('loadMigrations', () => {
  const GOOD = '-- up\nSELECT 1;\n-- down\nSELECT 2;\n';
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bulwark-migrations-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (file: string, sql = GOOD) => writeFileSync(join(folder, file), sql);

  it('orders by number, and passes over what is not SQL', () => {
    for (const file of ['0010-c.sql', '0002-b.sql', '0001-a.sql', 'README.md']) write(file);
    const names = loadMigrations(folder).map((Migration) => new Migration().name);
    expect(names).toEqual(['a0000000000001', 'b0000000000002', 'c0000000000010']);
  });

  it.each(['2-add.sql', '0002_add.sql', '0002-Add.sql', 'add.sql', '00002-add.sql', '0002-.sql'])(
    'refuses the name %s',
    (file) => {
      write('0001-a.sql');
      write(file);
      expect(() => loadMigrations(folder)).toThrow(`migrations/${file} needs a name like`);
    },
  );

  it('refuses two files with one number', () => {
    write('0002-a.sql');
    write('0002-b.sql');
    expect(() => loadMigrations(folder)).toThrow('has the number of another one');
  });

  it.each([
    ['no marks', 'SELECT 1;'],
    ['no way down', '-- up\nSELECT 1;\n'],
    ['no way up', '-- down\nSELECT 1;\n'],
    ['both the wrong way round', '-- down\nSELECT 1;\n-- up\nSELECT 2;\n'],
  ])('refuses a file with %s', (_what, sql) => {
    write('0001-a.sql', sql);
    expect(() => loadMigrations(folder)).toThrow(
      'migrations/0001-a.sql needs a line "-- up" and then a line "-- down"',
    );
  });
});

describe('provisionApp', () => {
  const loginUrl = () => {
    const url = new URL(database.urls.app);
    url.username = `bulwark_test_login_${randomBytes(4).toString('hex')}`;
    url.password = encodeURIComponent(`it's "quoted" %`);
    return url;
  };
  const dropLogin = (url: URL) =>
    withClient(database.urls.owner, async (owner) => {
      await owner.query(`REVOKE ALL ON DATABASE ${database.name} FROM ${url.username}`);
      await owner.query(`DROP ROLE ${url.username}`);
    });

  it('makes a login that may use the tables, also when many do it at once, and again', async () => {
    const url = loginUrl();
    try {
      await Promise.all(
        Array.from({ length: 8 }, () => provisionApp(database.urls.owner, url.href)),
      );
      await provisionApp(database.urls.owner, url.href);
      const count = await withClient(url.href, (client) => client.query('SELECT FROM users'));
      expect(count.rowCount).toBe(0);
    } finally {
      await dropLogin(url);
    }
  });

  it('opens the database to nobody else', async () => {
    await withClient(database.urls.owner, (owner) =>
      owner.query(`GRANT ALL ON DATABASE ${database.name} TO PUBLIC`),
    );
    await provisionApp(database.urls.owner, database.urls.app);
    const [row] = await database.query(
      `SELECT datacl::text AS rights FROM pg_database WHERE datname = current_database()`,
    );
    expect(row?.['rights']).not.toMatch(/[{,]=/);
  });

  it('refuses to run the app as the owner', async () => {
    const { owner } = database.urls;
    await expect(provisionApp(owner, owner)).rejects.toThrow('two roles');
  });
});
