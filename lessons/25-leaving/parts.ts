import { withClient } from '../../src/database/provision.js';
import { untilWaiting } from '../../test/support/waiting.js';
import { newPassword } from '../16-mailed-links/parts.js';
import type { Account, Person, Target } from '../engine/target.js';

export const ACCESS = 'src/resources/resource-access.ts';
export const DEPARTURES = 'src/auth/departures.service.ts';
export const DEPARTURE_UNDO = 'src/auth/departure-undo.service.ts';
export const ERASURE = 'src/users/erasure.service.ts';
const CANCEL = '/v1/auth/cancel-deletion';

/** Asks for the end of the account, and reads the mail. */
export async function leave(target: Target, { client, email, password }: Person): Promise<string> {
  await client.delete('/v1/users/me', { currentPassword: password });
  return (await target.mailed(email)) ?? '';
}

/** Everybody from an address of his own, so that no budget of an address decides. */
const cancel = (target: Target, { name, password }: Person, token: string) =>
  target.stranger(name).post(CANCEL, { token, newPassword: password });

/** Calls the deletion off, and answers the person with the new password. */
export async function keep(target: Target, person: Person, token: string): Promise<Person> {
  const kept = { ...person, password: newPassword() };
  await cancel(target, kept, token);
  return kept;
}

export const signIn = async (target: Target, who: string, { email, password }: Account) =>
  (
    await target
      .stranger(who)
      .post<{ accessToken?: string; code?: string }>('/v1/auth/login', { email, password })
  ).body;

export async function signedIn(target: Target, person: Person): Promise<Person> {
  const { accessToken = '' } = await signIn(target, person.name, person);
  return { ...person, accessToken, client: target.stranger(person.name).withToken(accessToken) };
}

export async function isIn(target: Target, account: Account): Promise<boolean> {
  return (await signIn(target, 'ada', account)).accessToken !== undefined;
}

/** Whatever opens it: the account is there, and nobody is about to delete it. */
export async function stays({ lab }: Target, { id }: Person): Promise<boolean> {
  const staying = 'SELECT FROM users WHERE id = $1 AND delete_at IS NULL';
  return (await lab.database.query(staying, [id])).length > 0;
}

/** Two uses of one link that were both let in, before either was decided. */
export async function cancelTwiceAtOnce(target: Target, ada: Person, token: string) {
  const { database } = target.lab;
  return withClient(database.urls.owner, async (owner) => {
    await owner.query('BEGIN');
    await owner.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [ada.id]);
    const uses = Promise.all(
      ['ada', 'eve'].map((name) =>
        cancel(target, { ...ada, name, password: newPassword() }, token),
      ),
    );
    await untilWaiting(database, 2);
    await owner.query('COMMIT');
    return uses;
  });
}

/** So many days later, as far as this account and its links can tell. */
export async function passDays({ lab }: Target, { id }: Person, days: number): Promise<void> {
  const values = [id, days];
  await lab.database.query(
    `UPDATE mail_links SET expires_at = expires_at - $2 * interval '1 day' WHERE user_id = $1`,
    values,
  );
  await lab.database.query(
    `UPDATE users SET delete_at = delete_at - $2 * interval '1 day' WHERE id = $1`,
    values,
  );
}
