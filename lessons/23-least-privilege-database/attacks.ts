import { withClient } from '../../src/database/provision.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

const REFUSAL = /too many rights/;
const INSUFFICIENT_PRIVILEGE = '42501';

interface DatabaseError extends Error {
  code?: string;
}
type Run = (sql: string) => Promise<Record<string, unknown>[]>;

/** What an injection would run: SQL of the attacker's, as the app's role. Taken back at the end. */
function asTheApp(target: Target, attack: (run: Run) => Promise<Loot>): Promise<Loot> {
  return withClient(target.lab.database.urls.app, async (app) => {
    const run: Run = async (sql) => {
      const asked = { who: 'the app’s role', method: 'SQL', path: sql.replace(/\s+/g, ' ') };
      try {
        const { rows } = await app.query<Record<string, unknown>>(sql);
        target.trace.push({ ...asked, status: 0, got: rows });
        return rows;
      } catch (error) {
        const { code, message } = error as DatabaseError;
        target.trace.push({ ...asked, status: Number(code), got: message });
        throw error;
      }
    };
    await app.query('BEGIN');
    try {
      return await attack(run);
    } catch (error) {
      if ((error as DatabaseError).code !== INSUFFICIENT_PRIVILEGE) throw error;
      return null;
    } finally {
      await app.query('ROLLBACK');
    }
  });
}

export const attacks: Attack[] = [
  {
    id: 'role-forge-migration',
    title: 'Put on record that a migration has run which has not',
    needsLab: true,
    run: (target) =>
      asTheApp(target, async (run) => {
        // With an id of its own: the right to the sequence is not needed.
        await run(
          `INSERT INTO migrations VALUES (9000, 9000000000000, 'MendTheHole9000000000000')`,
        );
        return 'the next release believes that its mend is in place';
      }),
  },
  {
    id: 'role-create-function',
    title: 'Leave a function of your own in the schema',
    needsLab: true,
    scenario: { sql: 'GRANT CREATE ON SCHEMA public TO bulwark_app', refusal: REFUSAL },
    run: (target) =>
      asTheApp(target, async (run) => {
        await run(`CREATE FUNCTION public.helpful() RETURNS text LANGUAGE sql AS
          'SELECT string_agg(password_hash, '' '') FROM users'`);
        await run('SELECT public.helpful()');
        return 'a function of the attacker’s, waiting for a caller with more rights';
      }),
  },
  {
    id: 'role-shadow-table',
    title: 'Put a table of your own before the app’s eyes',
    needsLab: true,
    scenario: {
      sql: `DO $$ BEGIN EXECUTE format('GRANT TEMP ON DATABASE %I TO bulwark_app', current_database()); END $$`,
      refusal: REFUSAL,
    },
    run: (target) =>
      asTheApp(target, async (run) => {
        await run(`CREATE TEMP TABLE users AS SELECT 'ada@example.com' AS email,
          'a hash that the attacker knows' AS password_hash`);
        // As the app asks at each sign-in, on a connection of its pool.
        const [row] = await run(`SELECT password_hash FROM users WHERE email = 'ada@example.com'`);
        return row?.['password_hash'] ? 'Ada signs in with a password of the attacker’s' : null;
      }),
  },
  {
    id: 'role-empty-tables',
    title: 'Empty the tables, past every rule for single rows',
    needsLab: true,
    scenario: {
      sql: 'GRANT ALL ON ALL TABLES IN SCHEMA public, keys TO bulwark_app',
      refusal: REFUSAL,
    },
    run: async (target) => {
      await target.person('ada');
      return asTheApp(target, async (run) => {
        await run('TRUNCATE users CASCADE');
        const users = await run('SELECT FROM users');
        return users.length === 0 ? 'no user is left, and no trigger has noticed' : null;
      });
    },
  },
];
