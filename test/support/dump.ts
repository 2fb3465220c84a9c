import { withClient } from '../../src/database/provision.js';
import type { TestDatabase } from './test-database.js';

/** Every row of every table, as JSON that a database takes back. */
export type Dump = { table: string; rows: object[] }[];

const TABLES = `SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$' ORDER BY 1`;

/** As the superuser, whom no policy keeps from a row; of which schemas, the caller says. */
export async function dump(
  { urls }: TestDatabase,
  isWanted = (_table: string) => true,
  maxRows?: number,
): Promise<Dump> {
  return withClient(urls.admin, async (admin) => {
    const { rows: tables } = await admin.query<{ name: string }>(TABLES);
    const wanted = tables.map(({ name }) => name).filter(isWanted);
    const result: Dump = [];
    for (const table of wanted) {
      const { rows } = await admin.query<{ row: object }>(
        `SELECT to_jsonb(t) AS row FROM ${table} t LIMIT $1`,
        [maxRows],
      );
      result.push({ table, rows: rows.map(({ row }) => row) });
    }
    return result;
  });
}

/** Takes the place of what the tables of the dump held; triggers and references rest meanwhile. */
export async function restore({ urls }: TestDatabase, tables: Dump): Promise<void> {
  await withClient(urls.admin, async (admin) => {
    await admin.query('SET session_replication_role = replica');
    for (const { table, rows } of tables) {
      await admin.query(`DELETE FROM ${table}`);
      await admin.query(
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE
         SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`,
        [JSON.stringify(rows)],
      );
    }
  });
}
