import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { FRESH_AUTH } from '../src/access/access.decorators.js';
import { expectProblem } from './support/answers.js';
import {
  createAdministrator,
  newEmail,
  newPassword,
  signUp,
  type Person,
  type Tokens,
} from './support/factories.js';
import { claimsOf, forge } from './support/forge.js';
import { inventoryOf } from './support/inventory.js';
import { addTotp, ageSession, FACTORS, totpCode, wrongCode } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';

const AGAIN = '/v1/auth/reauthenticate';
const HOUR = 3_600;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const again = ({ client, password }: Person, more: object = {}) =>
  client.post<Tokens>(AGAIN, { password, ...more });
const enrol = (person: Person) => person.client.post(`${FACTORS}/totp`, { name: 'Phone' });
const factorsOf = ({ id }: Person) =>
  app.database.query('SELECT id FROM factors WHERE user_id = $1', [id]);
const authTimes = ({ id }: Person) =>
  app.database.query('SELECT authenticated_at FROM sessions WHERE user_id = $1', [id]);

describe('a session that proved itself a while ago', () => {
  it('is told how recent it has to be, and changes nothing', async () => {
    const ada = await ageSession(app, await signUp(app), 301);
    const answer = await enrol(ada);
    expectProblem(answer, 401, 'insufficient_user_authentication');
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="bulwark", error="insufficient_user_authentication", max_age="300"',
    );
    expect(await factorsOf(ada)).toEqual([]);
  });

  it('does everything else as before', async () => {
    const ada = await ageSession(app, await signUp(app), HOUR);
    expect((await ada.client.get(FACTORS)).status).toBe(200);
    expect((await ada.client.patch('/v1/users/me', { displayName: 'Ada' })).status).toBe(200);
  });

  it('is not freshened by a refresh', async () => {
    const ada = await ageSession(app, await signUp(app), HOUR);
    const { auth_time: first = 0 } = claimsOf(ada);
    const later = await app
      .client()
      .post<Tokens>('/v1/auth/refresh', { refreshToken: ada.tokens.refreshToken });
    expect(decodeJwt(later.body.accessToken)['auth_time']).toBe(first);
    expect(Date.now() / 1_000 - Number(first)).toBeGreaterThan(HOUR - 5);
  });

  it('does nothing with the password alone that would hand an account over or end it', async () => {
    const ada = await signUp(app);
    await addTotp(app, ada);
    const { client, password: currentPassword } = await ageSession(app, ada, 301);
    const state = () =>
      app.database.query(
        `SELECT u.email, u.password_hash, u.delete_at, e.id,
                (SELECT count(*) FROM mail_links l WHERE l.user_id = u.id)
         FROM users u LEFT JOIN exports e ON e.user_id = u.id WHERE u.id = $1`,
        [ada.id],
      );
    const before = await state();
    const answers = [
      await client.put('/v1/users/me/password', { currentPassword, newPassword: newPassword() }),
      await client.post('/v1/users/me/email', { currentPassword, newEmail: newEmail() }),
      await client.post('/v1/users/me/exports', { currentPassword }),
      await client.delete('/v1/users/me', { currentPassword }),
    ];
    for (const answer of answers) expectProblem(answer, 401, 'insufficient_user_authentication');
    expect(await state()).toEqual(before);
  });

  it('administers nobody: no role, no disabling, no enabling', async () => {
    const admin = await ageSession(app, await createAdministrator(app), 901);
    const ada = await signUp(app);
    const answers = [
      await admin.client.put(`/v1/users/${ada.id}/role`, { role: 'admin' }),
      await admin.client.post(`/v1/users/${ada.id}/disable`),
      await admin.client.post(`/v1/users/${ada.id}/enable`),
    ];
    for (const answer of answers) expectProblem(answer, 401, 'insufficient_user_authentication');
    expect((await ada.client.get('/v1/users')).status).toBe(403);
    expect((await ada.client.get('/v1/users/me')).status).toBe(200);
  });
});

describe('@FreshAuth()', () => {
  it('stands on every route that changes what opens an account, takes it along or ends it', () => {
    const fresh = inventoryOf(app).filter(({ handler }) =>
      Reflect.hasMetadata(FRESH_AUTH, handler),
    );
    expect(fresh.map(({ key }) => key).toSorted()).toEqual([
      'DELETE /v1/users/me',
      'DELETE /v1/users/me/factors/:factorId',
      'POST /v1/users/:id/disable',
      'POST /v1/users/:id/enable',
      'POST /v1/users/me/email',
      'POST /v1/users/me/exports',
      'POST /v1/users/me/factors/:factorId/confirm',
      'POST /v1/users/me/factors/passkeys',
      'POST /v1/users/me/factors/passkeys/options',
      'POST /v1/users/me/factors/totp',
      'POST /v1/users/me/recovery-codes',
      'PUT /v1/users/:id/role',
      'PUT /v1/users/me/password',
    ]);
    for (const { operation } of fresh)
      expect(
        operation.responses['401']?.content?.['application/problem+json']?.examples,
      ).toHaveProperty('insufficient_user_authentication');
  });
});

describe('the time in an access token', () => {
  it.each([
    ['is missing', undefined],
    ['is a text', '9999999999'],
    ['is no whole number', 1.5],
    ['lies after its issue', Math.floor(Date.now() / 1_000) + HOUR],
  ])('is not believed when it %s', async (_how, authTime) => {
    const ada = await signUp(app);
    const { auth_time: _own, ...claims } = claimsOf(ada);
    const token = await forge(app, { ...claims, ...(authTime && { auth_time: authTime }) });
    expectProblem(await app.client().withToken(token).get('/v1/users/me'), 401, 'invalid_token');
  });
});

describe('POST /v1/auth/reauthenticate', () => {
  it('gives an access token that is fresh, in the same session', async () => {
    const ada = await ageSession(app, await signUp(app), HOUR);
    const answer = await again(ada);
    expect(Object.keys(answer.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'tokenType']);
    const fresh = { ...ada, client: app.client().withToken(answer.body.accessToken) };
    expect((await enrol(fresh)).status).toBe(201);
    expect(decodeJwt(answer.body.accessToken)['sid']).toBe(claimsOf(ada)['sid']);
    const { refreshToken } = ada.tokens;
    expect((await app.client().post('/v1/auth/refresh', { refreshToken })).status).toBe(200);
  });

  it('refuses a wrong password, and the session stays as old as it is', async () => {
    const ada = await ageSession(app, await signUp(app), HOUR);
    const before = await authTimes(ada);
    expectProblem(await again(ada, { password: 'wrong' }), 400, 'wrong_password');
    expect(await authTimes(ada)).toEqual(before);
  });

  it('counts as a sign-in: it is no place to guess passwords at', async () => {
    const ada = await signUp(app);
    for (let tries = 0; tries < 10; tries += 1) await again(ada, { password: 'wrong' });
    expectProblem(await again(ada), 429, 'rate_limited');
  });

  it('asks for the second factor of an account that has one', async () => {
    const ada = await signUp(app);
    const { secret } = await addTotp(app, ada);
    const old = await ageSession(app, ada, HOUR);
    const before = await authTimes(ada);
    expectProblem(await again(old), 401, 'second_factor_required');
    expectProblem(await again(old, { code: wrongCode(secret) }), 400, 'wrong_code');
    expect(await authTimes(ada)).toEqual(before);
    const code = totpCode(secret);
    expect((await again(old, { code })).status).toBe(200);
    expectProblem(await again(old, { code }), 400, 'wrong_code');
  });

  it('counts the codes for the account, wherever they come from', async () => {
    const ada = await signUp(app);
    const { secret } = await addTotp(app, ada);
    const from = () => app.client().withToken(ada.tokens.accessToken);
    const { password } = ada;
    let tries = 0;
    for (; tries < 30; tries += 1) {
      const body = { password, code: wrongCode(secret) };
      const client = tries < 15 ? ada.client : from();
      const { status } = await client.post(AGAIN, body);
      if (status === 429) break;
    }
    expect(tries).toBe(10);
  });

  it('freshens no session that has ended', async () => {
    const ada = await signUp(app);
    await ada.client.post('/v1/auth/logout');
    expectProblem(await again(ada), 401, 'invalid_token');
  });
});
