import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Housekeeping } from '../src/database/housekeeping.js';
import { emailIndexOf, HASHED, SEALED } from './support/sealed-rows.js';
import { signInAgain } from './support/auth.js';
import { newEmail, newPassword, signUp, type Person } from './support/factories.js';
import { claimsOf } from './support/forge.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until, untilRecovered } from './support/waiting.js';

const EVERY_MS = 10 * 60_000;
type Id = string | Buffer;

/** Watched, not replaced: what the app runs again and again. */
const schedule = jest.spyOn(globalThis, 'setInterval');

let app: TestApp;
let ada: Person;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const rowsOf = (table: string, column: string) =>
  app.database.query<{ id: Id }>(`SELECT ${column} AS id FROM ${table} ORDER BY ${column}`);
const sessionOf = (person: Person) => String(claimsOf(person)['sid']);
const setBack = (table: string, column: string, id: Id, set: string) =>
  app.database.query(`UPDATE ${table} SET ${set} WHERE ${column} = $1`, [id]);

/** Runs the sweeps and expects that of all rows of the table this one alone is gone. */
async function expectGone(table: string, column: string, id: Id): Promise<void> {
  const before = await rowsOf(table, column);
  await app.app.get(Housekeeping).run();
  const left = before.filter((row) => String(row.id) !== String(id));
  expect(left).toHaveLength(before.length - 1);
  expect(await rowsOf(table, column)).toEqual(left);
  expect(left.length).toBeGreaterThan(0);
}

describe('housekeeping', () => {
  it('deletes the sessions that are over, with their tokens, and keeps the others', async () => {
    const [old, ended] = [await signInAgain(app, ada), await signInAgain(app, ada)];
    // Revoked is not over: the return of its tokens must still be noticed.
    await ended.client.post('/v1/auth/logout');
    await setBack('sessions', 'id', sessionOf(old), "expires_at = now() - interval '1 second'");
    await expectGone('sessions', 'id', sessionOf(old));
    const orphans = await app.database.query('SELECT FROM refresh_tokens WHERE session_id = $1', [
      sessionOf(old),
    ]);
    expect(orphans).toEqual([]);
  });

  it('deletes the counters that are whole again, and keeps the others', async () => {
    const before = new Set((await rowsOf('throttles', 'key')).map(({ id }) => String(id)));
    const newcomer = { email: newEmail(), password: newPassword() };
    await app.client().post('/v1/auth/register', newcomer);
    await untilRecovered(app.database);
    const counted = await rowsOf('throttles', 'key');
    await app.database.query(`UPDATE throttles SET whole_at = now() + interval '1 hour'`);
    const { id } = counted.find((row) => !before.has(String(row.id))) ?? { id: '' };
    await setBack('throttles', 'key', id, "whole_at = now() - interval '1 second'");
    await expectGone('throttles', 'key', id);
  });

  it('deletes idempotency keys after a day, and not before', async () => {
    for (const key of ['old', 'young'])
      await ada.client.post(
        '/v1/resources',
        { title: key, content: '' },
        { 'idempotency-key': key },
      );
    await setBack('idempotency_keys', 'key', 'young', "created_at = now() - interval '23 hours'");
    await setBack('idempotency_keys', 'key', 'old', "created_at = now() - interval '25 hours'");
    await expectGone('idempotency_keys', 'key', 'old');
  });

  it('deletes revocations when no token can need them, and not before', async () => {
    const [old, young] = [await signInAgain(app, ada), await signInAgain(app, ada)];
    const table = 'session_revocations';
    for (const [person, minutes] of [[old, 21] as const, [young, 19] as const]) {
      await person.client.post('/v1/auth/logout');
      const set = `revoked_at = now() - interval '${minutes} minutes'`;
      await setBack(table, 'session_id', sessionOf(person), set);
    }
    await expectGone(table, 'session_id', sessionOf(old));
  });

  it('deletes sign-ups and invitations that are over, and keeps the others', async () => {
    const { query } = app.database;
    for (const email of ['old@example.com', 'new@example.com']) {
      const values = [emailIndexOf(email)];
      await query(
        `INSERT INTO sign_ups (email, email_index, display_name, password_hash, expires_at)
         VALUES (${SEALED}, $1, ${SEALED}, '${HASHED}', now() + interval '1 hour')`,
        values,
      );
      await query(
        `INSERT INTO invitations (email, email_index, token_hash, expires_at)
         VALUES (${SEALED}, $1, sha256($1), now() + interval '1 hour')`,
        values,
      );
    }
    for (const table of ['sign_ups', 'invitations']) {
      const old = emailIndexOf('old@example.com');
      await setBack(table, 'email_index', old, "expires_at = now() - interval '1 second'");
      await expectGone(table, 'email_index', old);
    }
  });

  it('runs every sweep with the rights that the app has', async () => {
    const housekeeping = app.app.get(Housekeeping);
    // Its own logger: who sends mails warns of what is not sent, at any time.
    const warn = jest.spyOn(housekeeping['logger'], 'warn');
    await housekeeping.run();
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
  });

  it('comes by itself every ten minutes', async () => {
    const old = await signInAgain(app, ada);
    await setBack('sessions', 'id', sessionOf(old), "expires_at = now() - interval '1 second'");
    const isThere = async () =>
      (await rowsOf('sessions', 'id')).some(({ id }) => id === sessionOf(old));
    const [sweep, ...others] = schedule.mock.calls.filter(([, everyMs]) => everyMs === EVERY_MS);
    expect(others).toEqual([]);
    sweep?.[0]();
    await until(async () => !(await isThere()), 'the row is gone', 1_000);
  });
});
