import type { DataSource } from 'typeorm';

const RIGHTS_BEYOND_ROWS = `
  SELECT concat_ws(', ',
    CASE WHEN rolsuper THEN 'SUPERUSER' END,
    CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
    CASE WHEN rolcreatedb THEN 'CREATEDB' END,
    CASE WHEN rolreplication THEN 'REPLICATION' END,
    CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
    CASE WHEN has_schema_privilege('public', 'CREATE') THEN 'CREATE on schema public' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_namespace WHERE nspname = 'pgboss' AND has_schema_privilege(oid, 'CREATE'))
      THEN 'CREATE on schema pgboss' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_namespace WHERE nspname = 'keys' AND has_schema_privilege(oid, 'CREATE'))
      THEN 'CREATE on schema keys' END,
    CASE WHEN has_database_privilege(current_database(), 'CREATE') THEN 'CREATE on the database' END,
    CASE WHEN has_database_privilege(current_database(), 'TEMP') THEN 'TEMP on the database' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 'pgboss', 'keys')
        AND pg_has_role(relowner, 'MEMBER')) THEN 'ownership of tables' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 'pgboss', 'keys') AND relkind IN ('r', 'p')
        AND NOT pg_has_role(relowner, 'MEMBER')
        AND has_table_privilege(oid, 'TRUNCATE, REFERENCES, TRIGGER'))
      THEN 'TRUNCATE, REFERENCES or TRIGGER on tables' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relname ~ '^audit_(events|chain|checkpoints)' AND relkind IN ('r', 'p')
        AND (has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(oid, 'UPDATE')))
      THEN 'UPDATE, DELETE or TRUNCATE on the audit log' END,
    CASE WHEN EXISTS (
      SELECT FROM pg_roles r WHERE r.rolname LIKE 'pg\\_%' AND pg_has_role(r.oid, 'MEMBER'))
      THEN 'membership in a predefined role' END) AS rights
  FROM pg_roles WHERE rolname = current_user`;

/** Throws when the app's role can do more than read and write rows (ASVS 13.2.2). */
export async function assertLeastPrivilege(dataSource: DataSource): Promise<void> {
  const rows: { rights: string }[] = await dataSource.query(RIGHTS_BEYOND_ROWS);
  const rights = rows[0]?.rights;
  if (rights === '') return;
  throw new Error(
    `The role in DATABASE_URL has too many rights (${rights}). ` +
      'Put the owner into DATABASE_OWNER_URL and a role of its own for the app into DATABASE_URL, ' +
      'then run `npm run migrate`, which creates it.',
  );
}
