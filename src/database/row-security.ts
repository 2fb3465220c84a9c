import type { DataSource } from 'typeorm';

/**
 * Tables whose rows belong to somebody: `users`, what refers to it, directly or through other tables, and
 * whatever has a column with the name of an owner. The queue has rights of its own.
 */
const OWNED = `
  WITH RECURSIVE referring (oid) AS (
    SELECT 'public.users'::regclass::oid
    UNION
    SELECT conrelid FROM pg_constraint JOIN referring ON referring.oid = confrelid WHERE contype = 'f'
  ), owned (oid) AS (
    SELECT oid FROM referring
    UNION
    SELECT attrelid FROM pg_attribute WHERE attname IN ('owner_id', 'user_id') AND NOT attisdropped
  )`;

const UNPROTECTED = `${OWNED}
  SELECT oid::regclass::text AS name FROM pg_class JOIN owned USING (oid)
  WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text <> 'pgboss'
    AND NOT (relrowsecurity AND relforcerowsecurity)
  ORDER BY 1`;

/** One such policy opens the table, whatever the others say. Adding alone (`a`) shows nobody anything. */
const OPEN = `${OWNED}
  SELECT polname || ' ON ' || polrelid::regclass AS name FROM pg_policy JOIN owned ON owned.oid = polrelid
  WHERE polpermissive AND polcmd <> 'a'
    AND 'true' IN (pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  ORDER BY 1`;

/** Throws when a table holds rows of somebody's and no policy stands before it (ASVS 8.2.2). */
export async function assertRowSecurity(dataSource: DataSource): Promise<void> {
  const unprotected = namesIn(await dataSource.query(UNPROTECTED));
  if (unprotected)
    throw new Error(
      `Rows of somebody's stand in ${unprotected} without row-level security: give each table policies in a ` +
        'migration, as migrations/0012-row-security.sql does, and ENABLE and FORCE ROW LEVEL SECURITY.',
    );
  const open = namesIn(await dataSource.query(OPEN));
  if (open)
    throw new Error(
      `Everybody reaches somebody's rows by the policy ${open}: let it compare with actor_id(), or drop it.`,
    );
}

const namesIn = (rows: { name: string }[]): string => rows.map(({ name }) => name).join(', ');
