import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSourceOptions, MigrationInterface, QueryRunner } from 'typeorm';

/** What the database remembers of a file: its name as TypeORM orders it, and what it said. */
export interface FileMigration extends MigrationInterface {
  name: string;
  hash: string;
}
/** What is to be done about the files themselves, in words. */
export class MigrationFileError extends Error {}

type MigrationClass = new () => FileMigration;
/** What SQL cannot do, in the transaction of the migration that has a line `-- step: name`. */
export type MigrationSteps = Record<string, (runner: QueryRunner) => Promise<void>>;

const FOLDER = join(import.meta.dirname, '../../migrations');
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;
/** TypeORM orders migrations by the 13 digits at the end of their names. */
const ORDER_DIGITS = 13;
const NUMBER_DIGITS = 4;
const STEP = /^-- step: ([a-z-]+)\n/m;
/** Lines that do nothing. */
const COMMENTS = /^--(?! step: ).*$/gm;

/** The SQL files of `migrations/`, in order, as TypeORM runs them: each in a transaction. */
export function loadMigrations(folder = FOLDER, steps: MigrationSteps = {}): MigrationClass[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  for (const file of files) checkName(file, files);
  return files
    .toSorted()
    .map((file) => migrationFrom(file, readFileSync(join(folder, file), 'utf8'), steps));
}

/** The file of a migration that the database knows, also where it is gone. */
export const fileOf = (name: string) =>
  `${name.slice(-NUMBER_DIGITS)}-${name.slice(0, -ORDER_DIGITS)}.sql`;

/** Passed over in silence, a file would be a change of the schema that everybody believes was made. */
function checkName(file: string, files: string[]): void {
  const number = FILE_NAME.exec(file)?.[1];
  if (!number) throw new Error(`migrations/${file} needs a name like 0002-add-tags.sql`);
  if (files.some((other) => other !== file && other.startsWith(number)))
    throw new Error(`migrations/${file} has the number of another one: which would come first?`);
}

function migrationFrom(file: string, text: string, steps: MigrationSteps): MigrationClass {
  // As git on another system may have written it.
  const sql = text.replaceAll('\r\n', '\n');
  const parts = /^-- up\n(?<up>[^]*)^-- down\n(?<down>[^]*)$/m.exec(sql)?.groups;
  if (!parts) throw new Error(`migrations/${file} needs a line "-- up" and then a line "-- down"`);
  const [, number = '', words = ''] = FILE_NAME.exec(file) ?? [];
  const { up: UP = '', down: DOWN = '' } = parts;
  return class implements FileMigration {
    readonly name = `${words}${number.padStart(ORDER_DIGITS, '0')}`;
    readonly hash = createHash('sha256').update(sql).digest('hex');
    async up(runner: QueryRunner) {
      // Noted as done, it would stay undone once there is something in it.
      if (UP.replaceAll(COMMENTS, '').trim() === '')
        throw new MigrationFileError(`migrations/${file} has nothing to do yet: write its "-- up"`);
      // From here the row that notes it, in the same transaction, takes the hash.
      await runner.query(`SELECT set_config('bulwark.migration_hash', $1, true)`, [this.hash]);
      await runUp(runner, UP, steps);
    }
    async down(runner: QueryRunner) {
      await runner.query(DOWN);
    }
  };
}

/** Text and names of steps take turns. */
async function runUp(runner: QueryRunner, up: string, steps: MigrationSteps): Promise<void> {
  const [FIRST = '', ...rest] = up.split(STEP);
  await runner.query(FIRST);
  for (let at = 0; at < rest.length; at += 2) {
    const step = steps[rest[at] ?? ''];
    if (!step) throw new Error(`no step is called "${rest[at]}"`);
    await step(runner);
    const NEXT = rest[at + 1] ?? '';
    await runner.query(NEXT);
  }
}

export const MIGRATION_OPTIONS = {
  migrations: loadMigrations(),
  migrationsTableName: 'migrations',
  migrationsTransactionMode: 'each',
} satisfies Partial<DataSourceOptions>;
