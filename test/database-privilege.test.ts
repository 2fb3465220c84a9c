import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { ACROSS_OWNERS } from '../src/database/acting.js';
import { withClient } from '../src/database/provision.js';
import { HASHED, SEALED } from './support/sealed-rows.js';
import { startApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const INSUFFICIENT_PRIVILEGE = '42501';

let database: TestDatabase;
let app: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  const options = `-c bulwark.actor=${ACROSS_OWNERS}`;
  app = new pg.Client({ connectionString: database.urls.app, options });
  await app.connect();
});
afterAll(async () => {
  await app.end();
  await database.drop();
});

const refusal = (sql: string) =>
  app.query(sql).then(
    () => 'done',
    (error: pg.DatabaseError) => error.code,
  );
const snapshot = async () => {
  const [row] = await database.query(`
    SELECT
      (SELECT jsonb_agg(concat(relname, relacl) ORDER BY relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace) AS relations,
      (SELECT jsonb_agg(nspname ORDER BY nspname) FROM pg_namespace
        WHERE nspname NOT LIKE 'pg%temp%') AS schemas,
      (SELECT jsonb_agg(migrations) FROM migrations) AS migrations`);
  return row;
};

describe("the app's role", () => {
  it('reads and writes rows', async () => {
    await app.query('BEGIN');
    const { rowCount } = await app.query(
      `INSERT INTO users (email, email_index, display_name, password_hash)
       VALUES (${SEALED}, sha256('a@b.c'), ${SEALED}, '${HASHED}')`,
    );
    expect(rowCount).toBe(1);
    await app.query(
      `UPDATE users SET display_name = ${SEALED} WHERE email_index = sha256('a@b.c')`,
    );
    expect((await app.query('SELECT FROM users')).rowCount).toBe(1);
    await app.query('DELETE FROM users');
    await app.query('ROLLBACK');
  });

  it.each([
    'CREATE TABLE loot (id int)',
    'CREATE TEMP TABLE loot (id int)',
    'CREATE VIEW loot AS SELECT * FROM users',
    'CREATE SCHEMA loot',
    `CREATE FUNCTION loot() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    'CREATE INDEX ON users (display_name)',
    'CREATE EXTENSION dblink',
    'CREATE EXTENSION plpython3u',
    'CREATE DATABASE loot',
    'CREATE ROLE loot SUPERUSER',
    'ALTER ROLE CURRENT_USER SUPERUSER',
    'ALTER ROLE CURRENT_USER CREATEROLE',
    'ALTER TABLE users ADD loot int',
    'ALTER TABLE users DISABLE TRIGGER ALL',
    'ALTER TABLE sessions DISABLE TRIGGER session_revoked',
    'CREATE TRIGGER loot BEFORE UPDATE ON users EXECUTE FUNCTION announce_session_end()',
    'DROP TABLE users',
    'DROP FUNCTION announce_session_end CASCADE',
    'TRUNCATE users',
    'TRUNCATE resources CASCADE',
    `COMMENT ON TABLE users IS 'loot'`,
    'DO $$ BEGIN LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE; END $$',
    `INSERT INTO migrations ("timestamp", name) VALUES (1, 'loot')`,
    'DELETE FROM migrations',
    `UPDATE migrations SET name = 'loot'`,
    `UPDATE session_revocations SET revoked_at = '2000-01-01'`,
    `COPY users TO PROGRAM 'cat > /tmp/loot'`,
    `COPY users FROM PROGRAM 'id'`,
    `COPY users FROM '/etc/passwd'`,
    `COPY users TO '/tmp/loot'`,
    `SELECT pg_read_file('/etc/passwd')`,
    `SELECT pg_read_binary_file('/etc/passwd')`,
    `SELECT pg_ls_dir('/')`,
    `SELECT pg_stat_file('/etc/passwd')`,
    `SELECT lo_import('/etc/passwd')`,
    `SELECT lo_export(1, '/tmp/loot')`,
    'SELECT * FROM pg_authid',
    'SELECT rolpassword FROM pg_authid',
    'SELECT * FROM pg_hba_file_rules',
    'SELECT pg_reload_conf()',
    `ALTER SYSTEM SET log_statement = 'all'`,
    `SET session_replication_role = 'replica'`,
    'SET ROLE postgres',
    'SET SESSION AUTHORIZATION postgres',
    `SELECT set_config('log_statement', 'all', false)`,
    `DO $$ BEGIN EXECUTE 'CREATE TABLE loot (id int)'; END $$`,
  ])('may not: %s', async (sql) => {
    const before = await snapshot();
    // A role or an extension that the server does not have is refused for that reason.
    expect([INSUFFICIENT_PRIVILEGE, '22023', '0A000']).toContain(await refusal(sql));
    expect(await snapshot()).toEqual(before);
  });

  it('passes its rights on to nobody', async () => {
    const before = await snapshot();
    await refusal('GRANT ALL ON users TO PUBLIC');
    await refusal('GRANT bulwark_app TO PUBLIC');
    expect(await snapshot()).toEqual(before);
  });

  it('may not become the owner of the database', async () => {
    const owner = new URL(database.urls.owner).username;
    expect(await refusal(`SET ROLE ${owner}`)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal(`REASSIGN OWNED BY ${owner} TO CURRENT_USER`)).toBe(
      INSUFFICIENT_PRIVILEGE,
    );
  });

  it('sees no rows of another schema', async () => {
    await database.query('CREATE SCHEMA private');
    await database.query(`CREATE TABLE private.loot AS SELECT 'secret' AS secret`);
    expect(await refusal('SELECT * FROM private.loot')).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal('CREATE TABLE private.mine (id int)')).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it('gets no right to a table that a later migration forgets to grant', async () => {
    await database.query('CREATE TABLE forgotten (id int)');
    expect(await refusal('SELECT * FROM forgotten')).toBe(INSUFFICIENT_PRIVILEGE);
    await database.query('DROP TABLE forgotten');
  });

  it('cannot read another database of the server', async () => {
    const other = await createTestDatabase();
    try {
      await withClient(other.urls.owner, (client) =>
        client.query(
          `REVOKE CONNECT ON DATABASE ${other.name} FROM ${new URL(database.urls.app).username}`,
        ),
      );
      await expect(withClient(other.urls.app, async () => {})).rejects.toThrow(/permission denied/);
    } finally {
      await other.drop();
    }
  });
});

describe('starting the app with too many rights', () => {
  const boot = async (env = {}) => (await startApp({ database, env })).close();

  it.each(['owner', 'admin'] as const)('is refused for the %s, with the cure', async (role) => {
    const env = { DATABASE_URL: database.urls[role] };
    await expect(boot(env)).rejects.toThrow(/too many rights.*DATABASE_OWNER_URL.*npm run migrate/);
  });

  it.each([
    [
      'CREATE on schema public',
      'GRANT CREATE ON SCHEMA public TO',
      'REVOKE CREATE ON SCHEMA public FROM',
    ],
    [
      'CREATE on schema pgboss',
      'GRANT CREATE ON SCHEMA pgboss TO',
      'REVOKE CREATE ON SCHEMA pgboss FROM',
    ],
    ['TEMP on the database', 'GRANT TEMP ON DATABASE %d TO', 'REVOKE TEMP ON DATABASE %d FROM'],
    [
      'CREATE on the database',
      'GRANT CREATE ON DATABASE %d TO',
      'REVOKE CREATE ON DATABASE %d FROM',
    ],
    [
      'TRUNCATE, REFERENCES or TRIGGER on tables',
      'GRANT TRUNCATE ON users TO',
      'REVOKE TRUNCATE ON users FROM',
    ],
    [
      'TRUNCATE, REFERENCES or TRIGGER on tables',
      'GRANT TRIGGER ON pgboss.job TO',
      'REVOKE TRIGGER ON pgboss.job FROM',
    ],
    ...[
      'UPDATE ON audit_events',
      'UPDATE (facts) ON audit_events',
      'DELETE ON audit_events_default',
      'DELETE ON audit_chain',
      'UPDATE ON audit_checkpoints',
    ].map((right) => [
      'UPDATE, DELETE or TRUNCATE on the audit log',
      `GRANT ${right} TO`,
      `REVOKE ${right} FROM`,
    ]),
    [
      'ownership of tables',
      // Who is no superuser may give a table only to a role that could have made it.
      'GRANT CREATE ON SCHEMA public TO %a; ALTER TABLE throttles OWNER TO %a; REVOKE CREATE ON SCHEMA public FROM',
      'REASSIGN OWNED BY',
    ],
  ])('is refused for %s', async (right, grant, revoke) => {
    const login = new URL(database.urls.app).username;
    const owner = new URL(database.urls.owner).username;
    const run = (sql: string) =>
      withClient(database.urls.admin, (admin) =>
        admin.query(sql.replaceAll('%d', database.name).replaceAll('%a', login)),
      );
    await run(`${grant} ${login}`);
    try {
      await expect(boot()).rejects.toThrow(`too many rights (${right})`);
    } finally {
      await run(
        revoke.startsWith('REASSIGN') ? `${revoke} ${login} TO ${owner}` : `${revoke} ${login}`,
      );
    }
  });
});
