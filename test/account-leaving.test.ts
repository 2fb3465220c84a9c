import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { SecurityLog } from '../src/audit/security-log.js';
import { Housekeeping } from '../src/database/housekeeping.js';
import { withClient } from '../src/database/provision.js';
import { RecipientLimit } from '../src/mail/recipient-limit.js';
import { SEALED, userRow } from './support/sealed-rows.js';
import { jobIdsOf, templatesTo } from './support/jobs.js';
import { countStatuses, expectProblem, type Page } from './support/answers.js';
import { liveSessions, refresh, signInAgain, tryLogin } from './support/auth.js';
import {
  createAdministrator,
  createResource,
  newEmail,
  newPassword,
  register,
  share,
  signUp,
  type Person,
} from './support/factories.js';
import { mailedToken } from './support/mailed-links.js';
import { startApp, type TestApp } from './support/test-app.js';
import { untilRecovered, untilWaiting } from './support/waiting.js';

const CANCEL = '/v1/auth/cancel-deletion';
const AT_ONCE = 50;
const ROUNDS = 6;

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
});
afterAll(() => app.close());

const cancel = (token: string, password = newPassword()) =>
  app.client().post(CANCEL, { token, newPassword: password });
const sweep = () => app.app.get(Housekeeping).run();

/** Asks for the end of the account, and reads the mail. */
async function leave({ client, email, password }: Person): Promise<string> {
  const answer = await client.delete('/v1/users/me', { currentPassword: password });
  if (answer.status !== 204) throw new Error(`deletion answered ${answer.status}`);
  return mailedToken(app.database, email);
}
/** Calls it off, and answers the person with the new password. */
async function keep(person: Person, token: string): Promise<Person> {
  const password = newPassword();
  expect((await cancel(token, password)).status).toBe(204);
  return { ...person, password };
}
const row = ({ id }: Person) => userRow(app.database, id);
const linksOf = ({ id }: Person) =>
  app.database.query('SELECT purpose FROM mail_links WHERE user_id = $1', [id]);
/** So much later, as far as the end of this account is concerned. */
const wait = ({ id }: Person, interval: string) =>
  app.database.query(`UPDATE users SET delete_at = delete_at - $2::interval WHERE id = $1`, [
    id,
    interval,
  ]);
/** The time has come. The link would be as old: here the account alone has to know. */
const makeDue = (person: Person) => wait(person, '7 days');
const asksFor = async (person: Person, newAddress: string) => {
  await person.client.post('/v1/users/me/email', {
    newEmail: newAddress,
    currentPassword: person.password,
  });
  return mailedToken(app.database, newAddress);
};
const confirm = (token: string) => app.client().post('/v1/auth/confirm-email-change', { token });
const undo = (token: string, password: string) =>
  app.client().post('/v1/auth/undo-email-change', { token, newPassword: password });
const resetToken = async ({ email }: Person) => {
  await app.client().post('/v1/auth/forgot-password', { email });
  return mailedToken(app.database, email);
};
const reset = (token: string) =>
  app.client().post('/v1/auth/reset-password', { token, newPassword: newPassword() });
const mailsTo = (email: string) =>
  templatesTo(app.database, email).then((mails) =>
    mails.filter(({ template }) => template !== 'newDevice'),
  );

describe('DELETE /v1/users/me', () => {
  it('ends every session, says so by mail, and keeps the account for seven days', async () => {
    const ada = await signUp(app);
    const elsewhere = await signInAgain(app, ada);
    await leave(ada);
    for (const { client, tokens } of [ada, elsewhere]) {
      expectProblem(await client.get('/v1/users/me'), 401, 'invalid_token');
      expect((await refresh(app.client(), tokens.refreshToken)).status).toBe(401);
    }
    expect(await liveSessions(app, ada.id)).toEqual([]);
    const { delete_at: deleteAt } = (await row(ada)) as { delete_at: Date };
    const days = (deleteAt.getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.99);
    expect(days).toBeLessThan(7);
    expect(await mailsTo(ada.email)).toEqual([{ template: 'accountLeaving' }]);
    await wait(ada, '6 days 23 hours');
    await sweep();
    expect(await row(ada)).toMatchObject({ email: ada.email, is_erased: false });
  });

  it('tells the one who knows the password at the sign-in, and nobody else', async () => {
    const [ada, password] = [await signUp(app), newPassword()];
    await leave(ada);
    expectProblem(await tryLogin(app.client(), ada.email, ada.password), 403, 'account_leaving');
    const known = await tryLogin(app.client(), ada.email, password);
    const unknown = await tryLogin(app.client(), newEmail(), password);
    for (const answer of [known, unknown]) expectProblem(answer, 401, 'invalid_credentials');
    expect(await liveSessions(app, ada.id)).toEqual([]);
  });

  it('hides what the account shares, and shows it again when it stays', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [read, written] = [await createResource(ada), await createResource(ada)];
    await share(ada, read.id, bob, 'read');
    await share(ada, written.id, bob, 'write');
    const token = await leave(ada);
    const shared = () =>
      bob.client
        .get<Page<{ id: string }>>('/v1/resources/shared-with-me')
        .then(({ body }) => body.items.map(({ id }) => id).toSorted());
    expect(await shared()).toEqual([]);
    const change = () =>
      bob.client.send(
        'PATCH',
        `/v1/resources/${written.id}`,
        { title: 'x' },
        { 'if-match': '"1"' },
      );
    for (const { id } of [read, written])
      expectProblem(await bob.client.get(`/v1/resources/${id}`), 404, 'not_found');
    expectProblem(await change(), 404, 'not_found');
    await cancel(token);
    expect(await shared()).toEqual([read.id, written.id].toSorted());
    expect((await change()).status).toBe(200);
  });

  it('lets nobody have the address, by a sign-up, an invitation or a change of address', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    await leave(ada);
    const change = await asksFor(bob, ada.email);
    expectProblem(await confirm(change), 400, 'invalid_link');
    const before = await mailsTo(ada.email);
    await app.client().post('/v1/auth/register', { email: ada.email, password: newPassword() });
    await admin.client.post('/v1/users/invitations', { email: ada.email });
    await untilRecovered(app.database);
    expect(await mailsTo(ada.email)).toEqual(before);
    expect(await row(ada)).toMatchObject({ email: ada.email });
  });

  it('makes every link worthless that was open, for good', async () => {
    const ada = await signUp(app);
    const address = newEmail();
    const [change, forgotten] = [await asksFor(ada, address), await resetToken(ada)];
    const token = await leave(ada);
    expect(await linksOf(ada)).toEqual([{ purpose: 'cancel_deletion' }]);
    const kept = await keep(ada, token);
    expectProblem(await confirm(change), 400, 'invalid_link');
    expectProblem(await reset(forgotten), 400, 'invalid_link');
    expect(await row(ada)).toMatchObject({ email: ada.email });
    expect((await tryLogin(app.client(), ada.email, kept.password)).status).toBe(200);
  });

  it('sends no link for a new password meanwhile', async () => {
    const ada = await signUp(app);
    await leave(ada);
    const { status } = await app.client().post('/v1/auth/forgot-password', { email: ada.email });
    await untilRecovered(app.database);
    expect([status, await mailsTo(ada.email)]).toEqual([202, [{ template: 'accountLeaving' }]]);
  });
});

describe('POST /v1/auth/cancel-deletion', () => {
  it('keeps the account with all that it owns, says so by mail, and signs nobody in', async () => {
    const ada = await signUp(app);
    const { id } = await createResource(ada);
    const password = newPassword();
    const answer = await cancel(await leave(ada), password);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await row(ada)).toMatchObject({ disabled_at: null, delete_at: null });
    expectProblem(await ada.client.get('/v1/users/me'), 401, 'invalid_token');
    const again = await signInAgain(app, { ...ada, password });
    expect((await again.client.get(`/v1/resources/${id}`)).status).toBe(200);
    const templates = (await mailsTo(ada.email)).map(({ template }) => template);
    expect(templates).toEqual(['accountLeaving', 'accountKept']);
    await sweep();
    expect(await row(ada)).toMatchObject({ email: ada.email });
  });

  it('lets one of fifty parallel uses win, with its password', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    const passwords = Array.from({ length: AT_ONCE }, () => newPassword());
    const answers = await Promise.all(passwords.map((password) => cancel(token, password)));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: AT_ONCE - 1 });
    const winner = passwords[answers.findIndex(({ status }) => status === 204)] ?? '';
    expect((await tryLogin(app.client(), ada.email, winner)).status).toBe(200);
  });

  it('refuses a weak password, which leaves the link good', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    const before = await row(ada);
    expectProblem(await cancel(token, 'short'), 400, 'weak_password');
    expect(await row(ada)).toEqual(before);
    await keep(ada, token);
  });

  it('asks for a long password although there is a second factor: a thief may have added it', async () => {
    const ada = await signUp(app);
    await app.database.query('UPDATE users SET has_second_factor = true WHERE id = $1', [ada.id]);
    expectProblem(await cancel(await leave(ada), 'plum orchid'), 400, 'weak_password');
  });

  it('lets the owner in, however many guessed meanwhile', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    for (let guesses = 0; guesses < 20; guesses += 1)
      await tryLogin(app.client(), ada.email, newPassword());
    const { email, password } = await keep(ada, token);
    expect((await tryLogin(app.client(), email, password)).status).toBe(200);
  });

  it('is good once: a link from an old mail does not take the next deletion back', async () => {
    const ada = await signUp(app);
    const old = await leave(ada);
    const again = await signInAgain(app, await keep(ada, old));
    const fresh = await leave(again);
    expectProblem(await cancel(old), 400, 'invalid_link');
    expect(await row(ada)).toMatchObject({ delete_at: expect.any(Date) });
    expect((await cancel(fresh)).status).toBe(204);
  });

  it('is good for nothing else, and no other link is good for it', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [token, forgotten] = [await leave(ada), await resetToken(bob)];
    expectProblem(await reset(token), 400, 'invalid_link');
    expectProblem(await confirm(token), 400, 'invalid_link');
    expectProblem(await undo(token, newPassword()), 400, 'invalid_link');
    for (const wrong of [forgotten, 'x'.repeat(43), `${token}=`])
      expectProblem(await cancel(wrong), 400, 'invalid_link');
    expect(await row(ada)).toMatchObject({ delete_at: expect.any(Date) });
    expect((await cancel(token)).status).toBe(204);
  });

  it('comes too late when the time has come, swept or not', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    await app.database.query(
      `UPDATE users SET delete_at = now() + interval '100 milliseconds' WHERE id = $1`,
      [ada.id],
    );
    await new Promise((resolve) => setTimeout(resolve, 120));
    expectProblem(await cancel(token), 400, 'invalid_link');
    await sweep();
    expect(await row(ada)).toBeUndefined();
    expectProblem(await cancel(token), 400, 'invalid_link');
  });

  it('changes nothing when its page is opened, as mail scanners do', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    const page = await app.client().get('/account/cancel-deletion');
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.text).toContain(CANCEL);
    expect((await app.client().get(CANCEL)).status).toBe(405);
    expect(await linksOf(ada)).toHaveLength(1);
    expect((await cancel(token)).status).toBe(204);
  });
});

describe('the end of the grace', () => {
  it('takes the account and all that belongs to it, and frees the address', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [own, foreign] = [await createResource(ada), await createResource(bob)];
    await share(ada, own.id, bob, 'read');
    await share(bob, foreign.id, ada, 'read');
    await leave(ada);
    await makeDue(ada);
    const record = jest.spyOn(app.app.get(SecurityLog), 'record');
    await sweep();
    expect(record.mock.calls.map(([, ...told]) => told)).toEqual([
      ['user_deleted', { userId: ada.id }],
    ]);
    record.mockRestore();
    expect(await row(ada)).toBeUndefined();
    for (const [table, column] of [
      ['sessions', 'user_id'],
      ['resources', 'owner_id'],
      ['resource_shares', 'user_id'],
      ['mail_links', 'user_id'],
    ])
      expect(
        await app.database.query(`SELECT FROM ${table} WHERE ${column} = $1`, [ada.id]),
      ).toEqual([]);
    expect((await bob.client.get(`/v1/resources/${foreign.id}`)).status).toBe(200);
    expect((await tryLogin(app.client(), ada.email, ada.password)).status).toBe(401);
    await app.database.query('DELETE FROM pgboss.job WHERE id = ANY($1)', [
      await jobIdsOf(app.database, ada.email),
    ]);
    await register(app, { email: ada.email, password: newPassword() });
  });

  it('goes in bites: who owns more than one has all of it gone before the account', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    await app.database.query(
      `INSERT INTO resources (owner_id, title, content)
       SELECT $1, 'x', ${SEALED} FROM generate_series(1, 5001)`,
      [ada.id],
    );
    await makeDue(ada);
    const left = async () =>
      (await app.database.query('SELECT FROM resources WHERE owner_id = $1', [ada.id])).length;
    await sweep();
    expect([await left(), (await row(ada)) !== undefined]).toEqual([1, true]);
    // Half of it is gone: nothing brings the other half back to life.
    await wait(ada, '-1 day');
    expectProblem(await cancel(token), 400, 'invalid_link');
    const { status } = await admin.client.post(`/v1/users/${ada.id}/disable`);
    expect([status, await row(ada)]).toMatchObject([200, { is_erased: true }]);
    await sweep();
    expect([await left(), await row(ada)]).toEqual([0, undefined]);
  });

  it('and a call back at the same moment: the account is kept whole, or goes whole', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const ada = await signUp(app);
      const { id } = await createResource(ada);
      const token = await leave(ada);
      // Due within the next moment, while calls come before and after it.
      await app.database.query(
        `UPDATE users SET delete_at = clock_timestamp() + interval '20 milliseconds' WHERE id = $1`,
        [ada.id],
      );
      const calls = Array.from({ length: 6 }, async (_none, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * (round % 6) + 10));
        return (await cancel(token)).status === 204;
      });
      const sweeps = Array.from({ length: 6 }, async (_none, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 5));
        await sweep();
      });
      const isKept = (await Promise.all(calls)).filter(Boolean).length;
      await Promise.all(sweeps);
      await sweep();
      const resources = await app.database.query('SELECT FROM resources WHERE id = $1', [id]);
      expect([(await row(ada)) === undefined, resources.length]).toEqual([!isKept, isKept]);
    }
  });

  it('loses against a call back that was first, and the call back against it', async () => {
    for (const first of ['call', 'sweep']) {
      const ada = await signUp(app);
      const { id } = await createResource(ada);
      const token = await leave(ada);
      if (first === 'sweep') await makeDue(ada);
      if (first === 'call') expect((await cancel(token)).status).toBe(204);
      await sweep();
      const isKept = first === 'call';
      expect((await cancel(token)).status).toBe(400);
      expect((await row(ada)) !== undefined).toBe(isKept);
      const resources = await app.database.query('SELECT FROM resources WHERE id = $1', [id]);
      expect(resources).toHaveLength(isKept ? 1 : 0);
    }
  });
});

describe('a call back that waits while the sweep takes the account', () => {
  it('finds it taken', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    const answer = await withClient(app.database.urls.owner, async (owner) => {
      await owner.query('BEGIN');
      await owner.query('UPDATE users SET is_erased = true WHERE id = $1', [ada.id]);
      const waiting = cancel(token);
      await untilWaiting(app.database, 1);
      await owner.query('COMMIT');
      return waiting;
    });
    expectProblem(answer, 400, 'invalid_link');
    expect(await row(ada)).toMatchObject({ is_erased: true, delete_at: expect.any(Date) });
  });
});

describe('a thief who knows the password', () => {
  it('does not delete the account again, once its owner has called it back', async () => {
    const ada = await signUp(app);
    const kept = await keep(ada, await leave(ada));
    const refused = await tryLogin(app.client(), ada.email, ada.password);
    expectProblem(refused, 401, 'invalid_credentials');
    expectProblem(
      await refresh(app.client(), ada.tokens.refreshToken),
      401,
      'invalid_refresh_token',
    );
    expect(await row(ada)).toMatchObject({ delete_at: null });
    await signInAgain(app, kept);
  });

  it('cannot use up the mails that bring the link', async () => {
    const ada = await signUp(app);
    const limit = app.app.get(RecipientLimit);
    const takeOne = () =>
      limit.admits(app.app.get(DataSource).manager, ada.email, 'accountLeaving');
    while (await takeOne());
    const token = await leave(ada);
    expect(await mailsTo(ada.email)).toEqual([{ template: 'accountLeaving' }]);
    await keep(ada, token);
  });

  it('moves the account and deletes it, and the old mailbox still takes it back', async () => {
    const ada = await signUp(app);
    const { id } = await createResource(ada);
    const address = newEmail();
    expect((await confirm(await asksFor(ada, address))).status).toBe(204);
    const back = await mailedToken(app.database, ada.email);
    const moved = await signInAgain(app, { ...ada, email: address });
    const token = await leave({ ...moved, email: address });
    const password = newPassword();
    expect((await undo(back, password)).status).toBe(204);
    expect(await row(ada)).toMatchObject({ email: ada.email, disabled_at: null, delete_at: null });
    expectProblem(await cancel(token), 400, 'invalid_link');
    const again = await signInAgain(app, { ...ada, password });
    expect((await again.client.get(`/v1/resources/${id}`)).status).toBe(200);
  });
});

describe('administrators', () => {
  it('see who is about to leave', async () => {
    const ada = await signUp(app);
    await leave(ada);
    const { body } = await admin.client.get(`/v1/users/${ada.id}`);
    const { delete_at: deleteAt } = (await row(ada)) as { delete_at: Date };
    expect(body).toMatchObject({ deleteAt: deleteAt.toISOString() });
    const other = await admin.client.get(`/v1/users/${admin.id}`);
    expect(other.body).toMatchObject({ deleteAt: null });
  });

  it('take nobody’s wish to leave away by enabling the account', async () => {
    const ada = await signUp(app);
    await leave(ada);
    const before = await row(ada);
    expect((await admin.client.post(`/v1/users/${ada.id}/enable`)).status).toBe(200);
    expect(await row(ada)).toEqual(before);
  });

  it('disable who is about to leave, so that nobody escapes by leaving and coming back', async () => {
    const ada = await signUp(app);
    const token = await leave(ada);
    expect((await admin.client.post(`/v1/users/${ada.id}/disable`)).status).toBe(200);
    expectProblem(await cancel(token), 400, 'invalid_link');
    await sweep();
    expect(await row(ada)).toMatchObject({ disabled_at: expect.any(Date), delete_at: null });
    const refused = await tryLogin(app.client(), ada.email, ada.password);
    expectProblem(refused, 401, 'invalid_credentials');
    await admin.client.post(`/v1/users/${ada.id}/enable`);
    expect((await tryLogin(app.client(), ada.email, ada.password)).status).toBe(200);
  });
});
