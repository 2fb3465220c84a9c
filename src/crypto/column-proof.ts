import type { DataSource } from 'typeorm';
import {
  declaredColumns,
  sealedTables,
  type DeclaredColumn,
  type Protection,
} from './protection.decorators.js';

/** Types that hold no words: whatever else a column is, somebody has to say how it is protected. */
const COLUMNS = `
  SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type,
    has_column_privilege(c.oid, a.attnum, 'UPDATE') AS changes,
    coalesce(k.checks, '{}') AS checks
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN (
    SELECT conrelid, array_agg(pg_get_constraintdef(oid)) AS checks FROM pg_constraint
    WHERE contype = 'c' GROUP BY conrelid) k ON k.conrelid = c.oid
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
    AND a.atttypid NOT IN ('uuid'::regtype, 'boolean'::regtype, 'smallint'::regtype,
      'integer'::regtype, 'bigint'::regtype, 'timestamptz'::regtype)
  ORDER BY 1, 2`;

interface Column {
  table: string;
  column: string;
  type: string;
  /** Whether the app may change it. */
  changes: boolean;
  checks: string[];
}

/** What keeps the app from starting, each fault with its cure. */
export class UnprotectedColumnError extends Error {
  constructor(readonly faults: string[]) {
    super(`Unprotected columns do not boot:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/**
 * Every column that could hold something says at its entity how it is protected, and the database holds
 * it to that. Throws one UnprotectedColumnError that names each and the line to add.
 */
export async function proveColumns(dataSource: DataSource): Promise<void> {
  const columns = await dataSource.query<Column[]>(COLUMNS);
  const declared = declaredColumns();
  const faults = [
    ...columns.flatMap((column) => faultsOf(column, declared)),
    ...declared.filter((one) => !columns.some((column) => isOf(one, column))).map(missing),
  ];
  if (faults.length > 0) throw new UnprotectedColumnError(faults);
}

const isOf = ({ table, column }: DeclaredColumn, actual: Column) =>
  table === actual.table && column === actual.column;

const missing = ({ table, column }: DeclaredColumn) =>
  `${table}.${column} is declared and holds no text or bytes: take its declaration away`;

function faultsOf(actual: Column, declared: DeclaredColumn[]): string[] {
  const protection = declared.find((one) => isOf(one, actual))?.protection;
  const name = `${actual.table}.${actual.column} (${actual.type})`;
  if (!protection)
    return [
      `${name} is not declared: add @Encrypted(), @Hashed() or @BlindIndex() at its entity, ` +
        'which a module must name in TypeOrmModule.forFeature, ' +
        "or @Plain('why everybody with a copy of the database may read it'), " +
        'or drop the column in a migration',
    ];
  const fault = FAULTS[protection.kind](actual, protection);
  return fault ? [`${name} ${fault}`] : [];
}

const holdsHashes = ({ type, column, checks }: Column) =>
  type === 'bytea' && checks.includes(`CHECK ((octet_length(${column}) = 32))`);

/** A hash of a password, as text: it says itself how it was made. */
const holdsPasswordHashes = ({ type, column, checks }: Column) =>
  type === 'text' && checks.includes(`CHECK ((${column} ~~ '$argon2id$%'::text))`);

const wantsHashes = ({ column }: Column) =>
  `takes more than a hash: make it bytea with CHECK (octet_length(${column}) = 32)`;

type Check = (actual: Column, protection: Protection) => string | undefined;

const FAULTS: Record<Protection['kind'], Check> = {
  encrypted: ({ table, type, column, changes, checks }) => {
    if (type !== 'bytea') return 'is declared @Encrypted() and is no bytea: change its type';
    if (!checks.includes(`CHECK (is_sealed(${column}))`))
      return `is declared @Encrypted() and takes anything: add CHECK (is_sealed(${column}))`;
    if (!sealedTables().some((sealed) => sealed.table === table))
      return 'is declared @Encrypted() and nobody says with whose key: add @SealedFor() to its entity';
    // A rotation would stop there, half-way.
    return changes
      ? undefined
      : `cannot be sealed anew: GRANT UPDATE (${column}) to the app's role`;
  },
  indexed: (actual) => (holdsHashes(actual) ? undefined : wantsHashes(actual)),
  hashed: (actual) =>
    holdsHashes(actual) || holdsPasswordHashes(actual)
      ? undefined
      : `${wantsHashes(actual)}, or of passwords, text with CHECK (${actual.column} LIKE '$argon2id$%')`,
  plain: (_actual, protection) =>
    protection.kind === 'plain' && protection.why.trim() === ''
      ? 'is declared @Plain() without a reason: say why'
      : undefined,
};
