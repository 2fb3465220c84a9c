import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../src/database/provision.js';
import type { Person, Target } from '../engine/target.js';

const MAX_TRIES = 40;
const TRY_MS = 25;

/** No route makes the first administrator: the lab does, in the database. The trace leaves it out. */
export async function administrator(target: Target, name: string): Promise<Person> {
  const person = await target.person(name);
  await target.lab.database.query(`UPDATE users SET role = 'admin' WHERE id = $1`, [person.id]);
  return signInAgain(target, person);
}

/** A change of the role ended the sessions. */
export async function signInAgain(target: Target, person: Person): Promise<Person> {
  const mark = target.trace.length;
  const { email, password, name } = person;
  const stranger = target.stranger(name);
  const { body } = await stranger.post<Partial<Person>>('/v1/auth/login', { email, password });
  target.trace.length = mark;
  return { ...person, ...body, client: stranger.withToken(body.accessToken ?? '') };
}

/** Whoever else administers the instance, does so no longer. */
export async function demoteEverybody(target: Target): Promise<void> {
  await target.lab.database.query(`UPDATE users SET role = 'user' WHERE role = 'admin'`);
}

/** How many of these may still administer. */
export async function countAdministrators(target: Target, people: Person[]): Promise<number> {
  const rows = await target.lab.database.query(
    `SELECT FROM users WHERE id = ANY($1) AND role = 'admin' AND disabled_at IS NULL`,
    [people.map(({ id }) => id)],
  );
  return rows.length;
}

/**
 * Two administrators demote each other. Their rows are held until both orders have been let in, so
 * that neither was refused for coming later.
 */
export async function demoteEachOther(target: Target, one: Person, two: Person): Promise<void> {
  const demote = (by: Person, whom: Person) =>
    by.client.put(`/v1/users/${whom.id}/role`, { role: 'user' });
  await withClient(target.lab.database.urls.owner, async (owner) => {
    await owner.query('BEGIN');
    await owner.query('SELECT FROM users WHERE id = ANY($1) FOR UPDATE', [[one.id, two.id]]);
    const orders = Promise.all([demote(one, two), demote(two, one)]);
    await bothWait(target);
    await owner.query('COMMIT');
    await orders;
  });
}

async function bothWait({ lab }: Target): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const waiting = await lab.database.query(
      `SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE NOT granted AND datname = current_database()`,
    );
    if (waiting.length === 2) return;
    await sleep(TRY_MS);
  }
}
