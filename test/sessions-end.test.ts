import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { liveSessions, refresh, signInAgain, statusFor } from './support/auth.js';
import { createAdministrator, newPassword, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const SOON_MS = 1_000;
let app: TestApp;
let other: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
  admin = await createAdministrator(app);
});
afterAll(async () => {
  await other.close();
  await app.close();
});

const seen = (token: string) =>
  Promise.all([app, other].map((instance) => statusFor(instance, token)));
const sql = (text: string) => (person: Person) => app.database.query(text, [person.id]);

type End = [how: string, end: (person: Person) => Promise<unknown>];
const ENDS: End[] = [
  ['logout', ({ client }) => client.post('/v1/auth/logout')],
  ['logout everywhere', ({ client }) => client.post('/v1/auth/logout-everywhere')],
  [
    'a password change in another session',
    async (person) => {
      const { client } = await signInAgain(app, person);
      const body = { currentPassword: person.password, newPassword: newPassword() };
      expect((await client.put('/v1/users/me/password', body)).status).toBe(204);
    },
  ],
  [
    'deletion of the account',
    async ({ client, password }) => {
      const answer = await client.delete('/v1/users/me', { currentPassword: password });
      expect(answer.status).toBe(204);
    },
  ],
  ['disablement by an administrator', ({ id }) => admin.client.post(`/v1/users/${id}/disable`)],
  [
    'promotion by an administrator',
    ({ id }) => admin.client.put(`/v1/users/${id}/role`, { role: 'admin' }),
  ],
  ['the return of a spent refresh token', ({ tokens }) => spendTwice(tokens.refreshToken)],
  ['SQL that changes the role', sql(`UPDATE users SET role = 'admin' WHERE id = $1`)],
  ['SQL that disables the user', sql('UPDATE users SET disabled_at = now() WHERE id = $1')],
  ['SQL that revokes', sql('UPDATE sessions SET revoked_at = now() WHERE user_id = $1')],
  ['SQL that deletes the session', sql('DELETE FROM sessions WHERE user_id = $1')],
  ['SQL that deletes the user', sql('DELETE FROM users WHERE id = $1')],
];

async function spendTwice(refreshToken: string): Promise<void> {
  for (let n = 0; n < 2; n += 1) await refresh(app.client(), refreshToken);
}

describe('the end of a session', () => {
  it.each(ENDS)('by %s holds at once, on every instance', async (how, end) => {
    const [person, bystander] = [await signUp(app), await signUp(app)];
    const { accessToken, refreshToken } = person.tokens;
    // Both instances have seen, checked and remembered the token.
    expect(await seen(accessToken)).toEqual([200, 200]);
    await end(person);
    // SQL from outside has nobody who waits for the news.
    if (how.startsWith('SQL'))
      await until(
        async () => (await statusFor(app, accessToken)) === 401,
        'the token is refused',
        SOON_MS,
      );
    expectProblem(
      await app.client().withToken(accessToken).get('/v1/users/me'),
      401,
      'invalid_token',
    );
    await until(
      async () => (await statusFor(other, accessToken)) === 401,
      'it is refused elsewhere',
      SOON_MS,
    );
    for (const instance of [app, other])
      expect((await refresh(instance.client(), refreshToken)).status).toBe(401);
    expect(await seen(bystander.tokens.accessToken)).toEqual([200, 200]);
  });

  it('by demotion takes the power of the old token, and the new one has less', async () => {
    const demoted = await createAdministrator(app);
    const path = `/v1/users/${demoted.id}/role`;
    expect((await demoted.client.get('/v1/users')).status).toBe(200);
    expect((await admin.client.put(path, { role: 'user' })).status).toBe(200);
    const answer = await demoted.client.get('/v1/users');
    expectProblem(answer, 401, 'invalid_token');
    expect(answer.text).not.toContain(admin.email);
    const again = await signInAgain(app, demoted);
    expectProblem(await again.client.get('/v1/users'), 403, 'forbidden');
  });
});

describe('POST /v1/auth/logout', () => {
  it('ends this session and no other', async () => {
    const person = await signUp(app);
    const elsewhere = await signInAgain(app, person);
    expect((await person.client.post('/v1/auth/logout')).status).toBe(204);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
    expect((await elsewhere.client.get('/v1/users/me')).status).toBe(200);
  });

  it('cannot be repeated, nor done without a token', async () => {
    const { client } = await signUp(app);
    await client.post('/v1/auth/logout');
    expectProblem(await client.post('/v1/auth/logout'), 401, 'invalid_token');
    expectProblem(await app.client().post('/v1/auth/logout'), 401, 'authentication_required');
  });

  it('takes no body that would name another session', async () => {
    const [person, victim] = [await signUp(app), await signUp(app)];
    const [session] = await liveSessions(app, victim.id);
    const answer = await person.client.post('/v1/auth/logout', { sessionId: session?.id });
    expectProblem(answer, 400, 'validation_failed');
    expect(await liveSessions(app, victim.id)).toHaveLength(1);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });
});

describe('POST /v1/auth/logout-everywhere', () => {
  it('ends every session of the user and of nobody else', async () => {
    const [person, bystander] = [await signUp(app), await signUp(app)];
    const elsewhere = await signInAgain(other, person);
    expect((await person.client.post('/v1/auth/logout-everywhere')).status).toBe(204);
    expect(await liveSessions(app, person.id)).toEqual([]);
    expect(await statusFor(app, elsewhere.tokens.accessToken)).toBe(401);
    expect((await bystander.client.get('/v1/users/me')).status).toBe(200);
  });
});
