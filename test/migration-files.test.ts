import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, scratchCopy, source } from './support/child.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const PATIENCE_MS = 60_000;
const copy = scratchCopy();
const NOTES = join(copy.folder, 'migrations/9000-notes.sql');
const UP = '-- up\nCREATE TABLE notes (id uuid PRIMARY KEY);\n-- down\nDROP TABLE notes;\n';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  rmSync(NOTES, { force: true });
  await database.drop();
});
afterAll(() => copy.remove());

const migrate = (...args: string[]) =>
  run(source('commands/migrate.ts', ...args), {
    cwd: copy.folder,
    env: { DATABASE_OWNER_URL: database.urls.owner },
  });
const noted = async () =>
  (await database.query<{ name: string }>(`SELECT name FROM migrations WHERE name ~ 'notes'`))
    .length;
const RAN = { code: 0, output: 'Migrations run: 9000-notes.sql\n' };
const CURRENT = { code: 0, output: 'Migrations run: none, the schema is current\n' };

describe('a file of migrations/', () => {
  it.each([
    ['as `migrate:new` makes it', '-- up\n\n\n-- down\n\n'],
    ['with comments only', '-- up\n-- what I mean to do\n-- down\n'],
  ])(
    'does not run empty, %s',
    async (_what, sql) => {
      writeFileSync(NOTES, sql);
      expect(await migrate()).toEqual({
        code: 1,
        output: expect.stringMatching(
          /^migrations\/9000-notes\.sql has nothing to do yet: write its "-- up"$/m,
        ),
      });
      expect(await noted()).toBe(0);
      writeFileSync(NOTES, UP);
      expect(await migrate()).toEqual(RAN);
    },
    PATIENCE_MS,
  );

  it(
    'is missed when it was changed after it ran, until it runs anew',
    async () => {
      writeFileSync(NOTES, UP);
      expect(await migrate()).toEqual(RAN);
      writeFileSync(NOTES, UP.replace('KEY)', 'KEY, text bytea)'));
      const { code, output } = await migrate();
      expect(output).toMatch(
        /^9000-notes\.sql was changed after it ran: npm run migrate:undo, then/,
      );
      expect(code).toBe(1);
      expect(await migrate('undo')).toEqual({ code: 0, output: 'Undone: 9000-notes.sql\n' });
      expect(await migrate()).toEqual(RAN);
      expect(await database.query('SELECT text FROM notes')).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'is the same with the line endings of another system',
    async () => {
      writeFileSync(NOTES, UP.replaceAll('\n', '\r\n'));
      expect(await migrate()).toEqual(RAN);
      writeFileSync(NOTES, UP);
      expect(await migrate()).toEqual(CURRENT);
    },
    PATIENCE_MS,
  );

  it(
    'is taken as it is where a database of before knows no hash',
    async () => {
      await database.query('ALTER TABLE migrations DROP hash');
      const first = join(copy.folder, 'migrations/0001-foundation.sql');
      const sql = readFileSync(first, 'utf8');
      writeFileSync(first, `${sql}\n-- later\n`);
      expect(await migrate()).toEqual(CURRENT);
      writeFileSync(first, sql);
    },
    PATIENCE_MS,
  );

  it(
    'is asked for when it is gone and is to be undone',
    async () => {
      writeFileSync(NOTES, UP);
      await migrate();
      rmSync(NOTES);
      expect(await migrate('undo')).toEqual({
        code: 1,
        output: expect.stringMatching(
          /^migrations\/9000-notes\.sql ran here and is gone.* put the file back/,
        ),
      });
      expect(await noted()).toBe(1);
    },
    PATIENCE_MS,
  );
});
