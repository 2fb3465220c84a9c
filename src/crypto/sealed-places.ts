import type { Queryable } from '../database/queryable.js';
import { sealedTables, type SealedTable } from './protection.decorators.js';
import type { Place } from './sealing.js';

/** Of one row: what names it, what is sealed, and where each of these belongs. */
export interface SealedRow {
  key: unknown[];
  values: (Buffer | null)[];
  places: Place[];
}

/** Where sealed values are kept, for whoever seals them anew. */
export interface SealedPlaces {
  name: string;
  /** How many rows hold a value under one of these keys. */
  count: (db: Queryable, keyIds: string[]) => Promise<number>;
  /** Some of them, in the order of their keys. */
  read: (db: Queryable, keyIds: string[], after: unknown[] | undefined) => Promise<SealedRow[]>;
  /**
   * Puts other values in the place of those that were read, and of no others: what somebody changed
   * meanwhile, or is changing, stays. Answers of how many rows it was.
   */
  replace: (db: Queryable, rows: SealedRow[], values: (Buffer | null)[][]) => Promise<number>;
}

const BATCH_ROWS = 200;

/** All tables whose entities declare something `@Encrypted()`. */
export const placesOfTables = (): SealedPlaces[] => sealedTables().map(placesOf);

/** The statements of one table, written out once. The names are those of entities. */
function statementsOf({ table, keys, fields }: SealedTable) {
  const key = keys.map(({ column }) => column);
  const column = fields.map((field) => field.column);
  const uses = column.map((name) => `substr(${name}, 2, 16) = ANY($1::bytea[])`).join(' OR ');
  const list = (names: string[], of: string) => names.map((name) => `${of}.${name}`).join(', ');
  const after = `(${key.join(', ')}) > (${key.map((_name, at) => `$${at + 2}`).join(', ')})`;
  const select = `SELECT ${[...key, ...column].join(', ')} FROM ${table} WHERE (${uses})`;
  const order = `ORDER BY ${key.join(', ')} LIMIT ${BATCH_ROWS}`;
  const given = [
    ...keys.map(({ type }) => `${type}[]`),
    ...column.flatMap(() => ['bytea[]', 'bytea[]']),
  ].map((type, at) => `$${at + 1}::${type}`);
  const names = [...key, ...column.flatMap((name) => [`old_${name}`, `new_${name}`])];
  const same = (one: string, other: string) =>
    key.map((name) => `${one}.${name} = ${other}.${name}`).join(' AND ');
  return {
    count: `SELECT count(*)::int AS count FROM ${table} WHERE ${uses}`,
    first: `${select} ${order}`,
    next: `${select} AND ${after} ${order}`,
    // It never waits for a row, so nobody waits for it who holds one.
    replace: `WITH given AS (SELECT * FROM unnest(${given.join(', ')}) v (${names.join(', ')})),
      free AS (SELECT ${list(key, 't')} FROM ${table} t JOIN given ON ${same('t', 'given')}
        FOR NO KEY UPDATE OF t SKIP LOCKED)
      UPDATE ${table} t SET ${column.map((name) => `${name} = given.new_${name}`).join(', ')}
      FROM given JOIN free ON ${same('given', 'free')}
      WHERE ${same('t', 'given')} AND ${column
        .map((name) => `t.${name} IS NOT DISTINCT FROM given.old_${name}`)
        .join(' AND ')}`,
  };
}

function placesOf(sealed: SealedTable): SealedPlaces {
  const STATEMENTS = statementsOf(sealed);
  return {
    name: sealed.table,
    count: async (db, keyIds) => {
      const rows = await db.query<{ count: number }[]>(STATEMENTS.count, [bytesOf(keyIds)]);
      return rows[0]?.count ?? 0;
    },
    read: async (db, keyIds, after = []) => {
      const statement = after.length > 0 ? 'next' : 'first';
      const values = [bytesOf(keyIds), ...after];
      const rows = await db.query<Record<string, unknown>[]>(STATEMENTS[statement], values);
      return rows.map(rowOf(sealed));
    },
    replace: async (db, rows, values) => {
      const given = columnsOf(sealed, rows, values);
      const [, count] = await db.query<[unknown, number]>(STATEMENTS.replace, given);
      return count;
    },
  };
}

const rowOf =
  ({ table, keys, fields }: SealedTable) =>
  (row: Record<string, unknown>): SealedRow => {
    const key = keys.map(({ column }) => row[column]);
    const text = key.map((part) => (Buffer.isBuffer(part) ? part.toString('hex') : String(part)));
    return {
      key,
      values: fields.map(({ column }) => row[column] as Buffer | null),
      places: fields.map(({ column }) => ({ table, column, row: text })),
    };
  };

/** Row by row became column by column, as `unnest` takes them. */
const columnsOf = (
  { keys, fields }: SealedTable,
  rows: SealedRow[],
  values: (Buffer | null)[][],
) => [
  ...keys.map((_key, at) => rows.map(({ key }) => key[at])),
  ...fields.flatMap((_field, at) => [
    rows.map((row) => row.values[at]),
    values.map((row) => row[at]),
  ]),
];

const bytesOf = (keyIds: string[]) => keyIds.map((id) => Buffer.from(id, 'hex'));
