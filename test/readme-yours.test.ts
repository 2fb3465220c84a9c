import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Child, run, scratchCopy, source } from './support/child.js';
import { Client } from './support/client.js';
import { signUpByMail } from './support/factories.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const PATIENCE_MS = 180_000;
const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** A step of the README, with the file that it is about and what is to stand there. */
const STEP = /^\d\. ([^]*?)^ {3}```\w+\n([^]*?)^ {3}```$/gm;

const between = (from: string, to: string) =>
  README.slice(README.indexOf(from), README.indexOf(to, README.indexOf(from)));
const stepsOf = (text: string) =>
  [...text.matchAll(STEP)].map(([, about = '', block = '']) => ({
    about,
    file: /`(src\/[^`]+)`/.exec(about)?.[1] ?? '',
    text: block.replaceAll(/^ {3}/gm, ''),
  }));

const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
});

/** The project as somebody who cloned it has it, to be changed. */
function clone() {
  const copy = scratchCopy([
    'tsconfig.json',
    'openapi.json',
    'docs',
    'README.md',
    'test',
    '.prettierrc.json',
  ]);
  closing.push(copy.remove);
  const at = (file: string) => join(copy.folder, file);
  const write = (file: string, text: string) => {
    mkdirSync(dirname(at(file)), { recursive: true });
    writeFileSync(at(file), text);
  };
  /** Each of these texts stands there once, and goes, or becomes another. */
  const edit = (file: string, ...changes: (string | RegExp | [string, string])[]) => {
    let text = readFileSync(at(file), 'utf8');
    for (const change of changes) {
      const [find, replace] = Array.isArray(change) ? change : [change, ''];
      expect([file, find, text.split(find).length]).toEqual([file, find, 2]);
      text = text.replace(find, () => replace);
    }
    writeFileSync(at(file), text);
  };
  const node = async (args: string[], env = {}) => {
    const { code, output } = await run(args, { cwd: copy.folder, env });
    return { code, output: stripVTControlCharacters(output) };
  };
  const newMigration = async (words: string, sql: string) => {
    const { output } = await node(source('commands/migrate-new.ts', words));
    write(output.trim(), sql);
  };
  return { ...copy, at, write, edit, node, newMigration };
}
type Clone = ReturnType<typeof clone>;

const SOUND = { code: 0, output: '' };
/** What is in src/ alone: what else there is, is about the app as it was. */
async function typesOf({ write, node }: Clone) {
  const include = ['src', 'scripts/generate.ts'];
  write('tsconfig.own.json', JSON.stringify({ extends: './tsconfig.json', include }));
  return node(['node_modules/typescript/bin/tsc', '-p', 'tsconfig.own.json']);
}

/** Migrated and started from the copy, on a database that had run what is shipped. */
async function start({ node, folder }: Clone) {
  const database: TestDatabase = await createTestDatabase();
  closing.push(database.drop);
  const owner = { DATABASE_OWNER_URL: database.urls.owner };
  expect(await node(source('commands/migrate.ts'), owner)).toMatchObject({ code: 0 });
  const env = { ...testEnvironment(database.urls.app), LOG_LEVEL: 'warn' };
  const child = new Child(source('main.ts'), { cwd: folder, env });
  closing.push(async () => {
    child.kill('SIGTERM');
    await child.exit;
  });
  const url = await Promise.race([
    child.printed(/Bulwark listens on +(http:\S+)/),
    child.exit.then(() => Promise.reject(new Error(child.output))),
  ]);
  return { database, child, client: () => new Client(url) };
}

describe('README.md, "Add your own"', () => {
  const steps = stepsOf(between('**Add your own**', '## Configuration'));

  it(
    'makes a feature that compiles, starts, and serves each of two people his own',
    async () => {
      const copy = clone();
      const [migration, ...files] = steps;
      await copy.newMigration('notes', migration?.text ?? '');
      for (const { file, text } of files) copy.write(file, text);
      copy.edit(
        'src/app.module.ts',
        [
          '/** The table of contents.',
          "import { NotesModule } from './notes/notes.module.js';\n\n/** The table of contents.",
        ],
        ['        ResourcesModule,\n', '        ResourcesModule,\n        NotesModule,\n'],
      );
      expect(await typesOf(copy)).toEqual(SOUND);
      expect(await copy.node(source('../scripts/generate.ts'))).toMatchObject({ code: 0 });

      const app = await start(copy);
      const [ada, eve] = [await signUpByMail(app), await signUpByMail(app)];
      const text = 'Buy oats for the horses';
      const created = await ada.client.post<{ id: string }>('/v1/notes', { text });
      expect([created.status, created.body]).toEqual([201, { id: expect.any(String), text }]);
      const path = `/v1/notes/${created.body.id}`;
      expect((await ada.client.get(path)).body).toEqual(created.body);
      expect((await eve.client.get(path)).status).toBe(404);
      expect((await app.client().get(path)).status).toBe(401);
      expect((await ada.client.post('/v1/notes', { text: 'x'.repeat(1_001) })).status).toBe(400);
      const longest = await ada.client.post('/v1/notes', { text: '\u{1f40e}'.repeat(1_000) });
      expect(longest.status).toBe(201);
      const stored = await app.database.query('SELECT text::text, owner_id FROM notes');
      expect(stored).toHaveLength(2);
      expect(JSON.stringify(stored)).not.toContain(Buffer.from(text).toString('hex'));
      const [may] = await app.database.query(
        `SELECT has_column_privilege('bulwark_app', 'notes', 'text', 'UPDATE') AS reseal`,
      );
      expect(may).toEqual({ reseal: true });
    },
    PATIENCE_MS,
  );
});

describe('README.md, "Remove resources"', () => {
  it(
    'leaves an app that compiles, starts and serves',
    async () => {
      const copy = clone();
      const [migration] = stepsOf(between('**Remove `resources`**', '**Add your own**'));
      rmSync(copy.at('src/resources'), { recursive: true });
      for (const file of ['src/app.module.ts', 'src/exports/exports.module.ts'])
        copy.edit(file, /^import { ResourcesModule } .*\n/m, /^ +ResourcesModule,\n/m);
      copy.edit(
        'src/exports/export-pages.ts',
        /^import .*resource-contents.*\n/m,
        /^\n {2}resources: [^]*?^ {4}ORDER BY .*`,\n/m,
        /^\n {2}sharedWithMe: [^]*?^ {4}ORDER BY .*`,\n/m,
      );
      copy.edit(
        'src/exports/export-downloads.service.ts',
        /^ +resources: this.*\n/m,
        /^ +sharedWithMe: this.*\n/m,
      );
      copy.edit(
        'src/exports/exports.dto.ts',
        /^.*\n^ +resources!: .*\n/m,
        /^.*\n^ +sharedWithMe!: .*\n/m,
      );
      copy.edit(
        'src/exports/export-parts.service.ts',
        /^import {\n[^}]*} from '.*resource-contents.*\n/m,
        /^ +private readonly contents: .*\n/m,
        /^ +const sealed = rows\.filter.*\n/m,
        /^ +await this\.contents\.open.*\n/m,
      );
      copy.edit(
        'src/users/erasure.service.ts',
        /^ +await this\.eraseResources.*\n/m,
        /\n {2}\/\*\* Before the account: [^]*?^ {2}}\n/m,
        /^ +AND NOT EXISTS \(SELECT FROM resources .*\n/m,
        ', SWEEP_ROWS',
      );
      await copy.newMigration('drop-resources', migration?.text ?? '');
      expect(await typesOf(copy)).toEqual(SOUND);
      expect(await copy.node(source('../scripts/generate.ts'))).toMatchObject({ code: 0 });
      expect(readFileSync(copy.at('openapi.json'), 'utf8')).not.toContain('/v1/resources');

      const app = await start(copy);
      const ada = await signUpByMail(app);
      expect((await ada.client.get('/v1/users/me')).body).toMatchObject({ email: ada.email });
      expect((await ada.client.get('/v1/resources')).status).toBe(404);
      const tables = await app.database.query(
        `SELECT FROM pg_class WHERE relname IN ('resources', 'resource_shares', 'idempotency_keys')`,
      );
      expect(tables).toEqual([]);
      expect(app.child.output).not.toContain('"level":"error"');
    },
    PATIENCE_MS,
  );
});
