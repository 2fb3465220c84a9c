import type { DataSource } from 'typeorm';

/**
 * Tables whose rows belong to somebody: `users`, what refers to it, directly or through other tables, and
 * whatever has a column with the name of an owner. The queue has rights of its own.
 */
const UNPROTECTED = `
  WITH RECURSIVE owned (oid) AS (
    SELECT 'public.users'::regclass::oid
    UNION
    SELECT conrelid FROM pg_constraint JOIN owned ON owned.oid = confrelid WHERE contype = 'f'
  ), named AS (
    SELECT attrelid AS oid FROM pg_attribute WHERE attname IN ('owner_id', 'user_id') AND NOT attisdropped
  )
  SELECT oid::regclass::text AS name FROM pg_class
  WHERE relkind IN ('r', 'p') AND oid IN (SELECT oid FROM owned UNION SELECT oid FROM named)
    AND relnamespace::regnamespace::text <> 'pgboss'
    AND NOT (relrowsecurity AND relforcerowsecurity)
  ORDER BY 1`;

/** Throws when a table holds rows of somebody's and no policy stands before it (ASVS 8.2.2). */
export async function assertRowSecurity(dataSource: DataSource): Promise<void> {
  const rows: { name: string }[] = await dataSource.query(UNPROTECTED);
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new Error(
    `Rows of somebody's stand in ${names} without row-level security: give each table policies in a ` +
      'migration, as migrations/0012-row-security.sql does, and ENABLE and FORCE ROW LEVEL SECURITY.',
  );
}
