import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, passwordHashOf, refresh, signInAgain, tryLogin } from './support/auth.js';
import { createAdministrator, newPassword, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const PASSWORD = '/v1/users/me/password';
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const change = ({ client }: Person, currentPassword: string, replacement: string) =>
  client.put(PASSWORD, { currentPassword, newPassword: replacement });
const isLeaving = async ({ id }: Person) =>
  (await app.database.query('SELECT FROM users WHERE id = $1 AND delete_at IS NULL', [id]))
    .length === 0;

describe('PUT /v1/users/me/password', () => {
  it('keeps this session, ends the others and takes the old password out of use', async () => {
    const person = await signUp(app);
    const elsewhere = await signInAgain(app, person);
    const fresh = newPassword();
    expect((await change(person, person.password, fresh)).status).toBe(204);
    expect((await person.client.get('/v1/users/me')).status).toBe(200);
    expect((await refresh(app.client(), person.tokens.refreshToken)).status).toBe(200);
    expectProblem(await elsewhere.client.get('/v1/users/me'), 401, 'invalid_token');
    expect((await refresh(app.client(), elsewhere.tokens.refreshToken)).status).toBe(401);
    expect((await tryLogin(app.client(), person.email, person.password)).status).toBe(401);
    expect((await tryLogin(app.client(), person.email, fresh)).status).toBe(200);
  });

  it('needs the current password, so that a stolen token does not take the account', async () => {
    const person = await signUp(app);
    const elsewhere = await signInAgain(app, person);
    const before = await passwordHashOf(app, person.email);
    const answer = await change(person, newPassword(), newPassword());
    expectProblem(answer, 400, 'wrong_password');
    expect(await passwordHashOf(app, person.email)).toBe(before);
    expect((await elsewhere.client.get('/v1/users/me')).status).toBe(200);
  });

  it.each([
    ['no current password', { newPassword: newPassword() }],
    ['an empty one', { currentPassword: '', newPassword: newPassword() }],
    ['null', { currentPassword: null, newPassword: newPassword() }],
    ['another user', { currentPassword: 'x', newPassword: newPassword(), userId: 'x' }],
  ])('refuses %s', async (_what, body) => {
    const person = await signUp(app);
    const before = await passwordHashOf(app, person.email);
    expectProblem(await person.client.put(PASSWORD, body), 400, 'validation_failed');
    expect(await passwordHashOf(app, person.email)).toBe(before);
  });

  it('holds the new password to the policy and says where it fails', async () => {
    const person = await signUp(app);
    const before = await passwordHashOf(app, person.email);
    for (const weak of ['short', 'password123456789', person.email]) {
      const answer = await change(person, person.password, weak);
      expectProblem(answer, 400, 'weak_password');
      expect(answer.body['errors']).toEqual([expect.objectContaining({ at: '/newPassword' })]);
    }
    expect(await passwordHashOf(app, person.email)).toBe(before);
  });

  it('lets the owner in from his own network while strangers with his token guess', async () => {
    const person = await signUp(app);
    const thieves = [1, 2, 3].map(() => app.client().withToken(person.tokens.accessToken));
    for (let n = 0; n < 24; n += 1) {
      const guess = { currentPassword: newPassword(), newPassword: newPassword() };
      await thieves[n % thieves.length]?.put('/v1/users/me/password', guess);
    }
    expect((await change(person, person.password, newPassword())).status).toBe(204);
  });

  it('counts guesses like a sign-in does, together with deletion', async () => {
    const person = await signUp(app);
    for (let n = 0; n < 5; n += 1) {
      expectProblem(await change(person, newPassword(), newPassword()), 400, 'wrong_password');
      const body = { currentPassword: newPassword() };
      expectProblem(await person.client.delete('/v1/users/me', body), 400, 'wrong_password');
    }
    const answer = await change(person, person.password, newPassword());
    expectProblem(answer, 429, 'rate_limited');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it('lets one of several changes at once win, and only its password opens', async () => {
    const person = await signUp(app);
    const sessions = [person, await signInAgain(app, person), await signInAgain(app, person)];
    const candidates = sessions.map(() => newPassword());
    const answers = await Promise.all(
      sessions.map((session, n) => change(session, person.password, candidates[n] ?? '')),
    );
    expect(countStatuses(answers)[204]).toBe(1);
    const logins = [];
    for (const candidate of candidates)
      logins.push((await tryLogin(app.client(), person.email, candidate)).status === 200);
    expect(logins).toEqual(answers.map(({ status }) => status === 204));
    expect((await tryLogin(app.client(), person.email, person.password)).status).toBe(401);
  });
});

describe('DELETE /v1/users/me', () => {
  it('needs the password', async () => {
    const person = await signUp(app);
    const wrong = { currentPassword: newPassword() };
    expectProblem(await person.client.delete('/v1/users/me', wrong), 400, 'wrong_password');
    expectProblem(await person.client.delete('/v1/users/me', {}), 400, 'validation_failed');
    expect((await person.client.delete('/v1/users/me')).status).toBe(400);
    expect(await isLeaving(person)).toBe(false);
    expect((await person.client.get('/v1/users/me')).status).toBe(200);
  });

  it('keeps the last administrator', async () => {
    const admin = await createAdministrator(app);
    const body = { currentPassword: admin.password };
    expectProblem(await admin.client.delete('/v1/users/me', body), 409, 'last_administrator');
    expect(await isLeaving(admin)).toBe(false);
    expect((await admin.client.get('/v1/users')).status).toBe(200);
  });
});
