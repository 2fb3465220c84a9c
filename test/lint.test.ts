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

/** What our own rules say of one file of an otherwise empty project. */
function complaints(file: string, code: string): string[] {
  const path = join(copy, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  const run = spawnSync(OXLINT, ['-f', 'unix', path], { cwd: copy, encoding: 'utf8' });
  rmSync(path);
  return run.stdout.match(/bulwark\([a-z-]+\)/g) ?? [];
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
    ['src/users/users.service.ts', '../app.setup.js'],
    ['src/users/users.service.ts', '../resources/resource.entity.js'],
  ])('refuses that %s imports %s', (file, specifier) => {
    expect(complaints(file, `import '${specifier}';\n`)).toContain(rule);
  });

  it.each([
    ['src/users/users.service.ts', '../http/problem.js'],
    ['src/auth/auth.service.ts', '../users/users.service.js'],
    ['src/app.module.ts', './users/users.module.js'],
    ['src/users/users.service.ts', './user.entity.js'],
  ])('accepts that %s imports %s', (file, specifier) => {
    expect(complaints(file, `import '${specifier}';\n`)).not.toContain(rule);
  });
});
