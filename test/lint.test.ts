import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const OXLINT = join(ROOT, 'node_modules/.bin/oxlint');

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'bulwark-lint-'));
  cpSync(join(ROOT, 'lint'), join(copy, 'lint'), { recursive: true });
  cpSync(join(ROOT, '.oxlintrc.json'), join(copy, '.oxlintrc.json'));
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(copy, { recursive: true }));

/** What these rules, by default our own, say of one file of an otherwise empty project. */
function complaints(file: string, code: string, rules = /bulwark\([a-z-]+\)/g): string[] {
  const path = join(copy, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  const run = spawnSync(OXLINT, ['-f', 'unix', path], { cwd: copy, encoding: 'utf8' });
  rmSync(path);
  return run.stdout.match(rules) ?? [];
}

describe('bulwark/bound-parameters', () => {
  const refused = [
    'query(`SELECT * FROM users WHERE id = ${id}`)',
    "query('SELECT * FROM users WHERE id = ' + id)",
    'query(text)',
    'createQueryBuilder().where(`id = ${id}`)',
    "createQueryBuilder().where('id = ' + id)",
    'createQueryBuilder().andWhere(condition)',
    'createQueryBuilder().orderBy(sort)',
    "createQueryBuilder().orderBy('title', direction)",
    'createQueryBuilder().addSelect(column)',
    "createQueryBuilder().innerJoin('t', 'a', condition)",
    'createQueryBuilder().update(T).set({ version: () => text })',
    'sql`SELECT ${() => raw}`',
  ];
  it.each(refused)('refuses db.%s', (code) => {
    const file = 'src/things/things.service.ts';
    expect(complaints(file, `export const f = (db, id, text) => db.${code};\n`)).toContain(
      'bulwark(bound-parameters)',
    );
  });

  const accepted = [
    "query('SELECT * FROM users WHERE id = $1', [id])",
    'query(STATEMENT, [id])',
    "createQueryBuilder().where('id = :id', { id })",
    "createQueryBuilder().orderBy(ORDERS[sort].column, 'ASC')",
    "createQueryBuilder().update(T).set({ version: () => 'version + 1' })",
    'sql`SELECT * FROM users WHERE id = ${id}`',
    'query(`DROP ROLE ${db.escapeIdentifier(id)}`)',
  ];
  it.each(accepted)('accepts db.%s', (code) => {
    const file = 'src/things/things.service.ts';
    expect(complaints(file, `export const f = (db, id) => db.${code};\n`)).toEqual([]);
  });
});

describe('bulwark/one-way-imports', () => {
  const rule = 'bulwark(one-way-imports)';

  it.each([
    ['src/http/page.ts', '../users/users.service.js'],
    ['src/access/actor.ts', '../audit/security-log.js'],
    ['src/config/config.ts', '../http/problem.js'],
    ['src/mail/mailer.ts', '../users/users.service.js'],
    ['src/access/actor.ts', '../mail/mailer.js'],
    ['src/users/users.service.ts', '../app.setup.js'],
    ['src/users/users.service.ts', '../resources/resource.entity.js'],
  ])('refuses that %s imports %s', (file, specifier) => {
    expect(complaints(file, `import '${specifier}';\n`)).toContain(rule);
  });

  it.each([
    ['src/users/users.service.ts', '../http/problem.js'],
    ['src/auth/auth.service.ts', '../users/users.service.js'],
    ['src/auth/auth.service.ts', '../mail/mailer.js'],
    ['src/mail/mailer.ts', '../database/job-queue.js'],
    ['src/app.module.ts', './users/users.module.js'],
    ['src/users/users.service.ts', './user.entity.js'],
  ])('accepts that %s imports %s', (file, specifier) => {
    expect(complaints(file, `import '${specifier}';\n`)).not.toContain(rule);
  });
});

describe('bulwark/approved-hashes', () => {
  const rule = 'bulwark(approved-hashes)';
  const file = 'src/things/things.service.ts';
  const using = (code: string) => `export const f = (text, key, name) => ${code};\n`;

  it.each([
    "createHash('md5').update(text)",
    "createHash('sha1')",
    "crypto.createHash('SHA1')",
    "createHmac('ripemd160', key)",
    'createHash(name)',
    'createHash(`sha256${name}`)',
    "createHash(name ?? 'sha256')",
    'createHash()',
    "sign('RSA-SHA1', text, key)",
    "pbkdf2Sync(text, key, 1, 32, 'sha1')",
    "crypto.subtle.digest('SHA-1', text)",
    "hkdfSync('md5', key, '', '', 32)",
  ])('refuses %s', (code) => {
    expect(complaints(file, using(code))).toContain(rule);
  });

  it.each([
    "createHash('sha256').update(text)",
    "crypto.createHmac('sha512', key)",
    "hkdfSync('sha256', key, '', '', 32)",
    "sign('sha256', text, key)",
  ])('accepts %s', (code) => {
    expect(complaints(file, using(code))).toEqual([]);
  });
});

describe('what serves requests', () => {
  const file = 'src/things/things.service.ts';
  const EMBEDDED = 'src/database/embedded-postgres.ts';
  const bans = /eslint\((?:no-console|no-eval|no-new-func|no-restricted-[a-z]+)\)/g;

  it.each([
    ['another log', 'no-console', "console.log('line');"],
    ['guessable numbers', 'no-restricted-properties', 'export const n = Math.random();'],
    ['guessable numbers', 'no-restricted-properties', "export const n = Math['random']();"],
    ['guessable numbers', 'no-restricted-properties', 'export const { random } = Math;'],
    ['guessable numbers', 'no-restricted-properties', 'export const n = [1].map(Math.random);'],
    [
      'guessable bytes',
      'no-restricted-imports',
      "import { pseudoRandomBytes } from 'node:crypto';",
    ],
    ['an unchecked hash', 'no-restricted-imports', "import { hash } from 'node:crypto';"],
    ['an unchecked hash', 'no-restricted-imports', "import * as all from 'node:crypto';"],
    ['an unchecked hash', 'no-restricted-imports', "import { createHash } from 'crypto';"],
    ['a command line', 'no-restricted-imports', "import { exec } from 'node:child_process';"],
    ['a command line', 'no-restricted-imports', "import { exec } from 'child_process';"],
    ['a command line', 'no-restricted-imports', "export * from 'node:child_process';"],
    ['a command line', 'no-restricted-imports', "await import('node:child_process');"],
    ['text as code', 'no-restricted-imports', "import { runInThisContext } from 'node:vm';"],
    ['text as code', 'no-eval', 'export const f = (text) => eval(text);'],
    ['text as code', 'no-eval', 'export const f = (text) => globalThis.eval(text);'],
    ['text as code', 'no-new-func', 'export const f = (text) => new Function(text);'],
    ['text as code', 'no-new-func', 'export const f = (text) => Function(text)();'],
  ])('may not use %s (%s): %s', (_what, rule, code) => {
    expect(complaints(file, `${code}\n`, bans)).toContain(`eslint(${rule})`);
  });

  it('keeps to all of that as it stands', () => {
    const { stdout } = spawnSync(OXLINT, ['-f', 'unix', 'src'], { cwd: ROOT, encoding: 'utf8' });
    expect([stdout.match(bans), stdout.match(/bulwark\([a-z-]+\)/g)]).toEqual([null, null]);
  });

  it('may use random bytes; and a command line where PostgreSQL is started for development', () => {
    const code = "import { createHash, randomBytes } from 'node:crypto';\n";
    expect(complaints(file, code, bans)).toEqual([]);
    const start = "import { spawn } from 'node:child_process';\n";
    expect(complaints(EMBEDDED, start, bans)).toEqual([]);
    expect(complaints(EMBEDDED, 'Math.random();\n', bans)).not.toEqual([]);
  });
});
