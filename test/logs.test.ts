import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mailedToken } from './support/mailed-links.js';
import { spawnApp, type SpawnedApp } from './support/spawned-app.js';

const SECRETS = {
  password: 'canary password 4711 aaa',
  newPassword: 'canary password 4711 bbb',
  wrong: 'canary password 4711 ccc',
  content: 'canary content 4711',
  email: 'canary-4711@example.com',
  query: 'canary-query-4711',
};

const OF_NO_REQUEST = new Set<unknown>(['sys_startup', 'sys_shutdown', 'sys_audit_checkpoint']);

let app: SpawnedApp;
const spoken: string[] = [];
let startedAt: number;

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/** Everything that one person does, right and wrong, with secrets in every place. */
beforeAll(async () => {
  startedAt = Date.now();
  // Far from UTC, so that a local time would be seen.
  app = await spawnApp({ env: { TZ: 'Pacific/Kiritimati' } });
  const { email, password, wrong, newPassword, content, query } = SECRETS;
  const client = app.client();
  await client.post('/v1/auth/register', { email, password });
  await client.post('/v1/auth/register', { email, password: wrong, role: 'admin' });
  const token = await mailedToken(app.database, email);
  await client.post('/v1/auth/verify-address', { token, password: wrong });
  await client.post('/v1/auth/verify-address', { token, password });
  spoken.push(token);
  await client.post('/v1/auth/login', { email, password: wrong });
  await client.post('/v1/auth/login', `{"email": "${email}", "password": "${password}`);
  await client.post('/v1/auth/login', { email, password: { secret: password } });
  const first = (await client.post<Tokens>('/v1/auth/login', { email, password })).body;
  const { body } = await client.post<Tokens>('/v1/auth/refresh', {
    refreshToken: first.refreshToken,
  });
  const ada = client.withToken(body.accessToken);
  spoken.push(first.accessToken, first.refreshToken, body.accessToken, body.refreshToken);
  await ada.post('/v1/resources', { title: content, content, labels: [query] });
  await ada.post('/v1/resources', { title: content, content, password });
  await ada.get(`/v1/resources?title=${query}&access_token=${body.accessToken}`);
  await ada.get(`/v1/resources?title=${query}`);
  await ada.get(`/v1/users?email=${email}`);
  await ada.get(`/nowhere/${query}?token=${body.refreshToken}`);
  await client.get('/v1/users/me', { authorization: `Bearer ${body.accessToken}x` });
  await client.get('/v1/users/me', { cookie: `session=${query}`, 'x-api-key': query });
  await client.get('/v1/users/me', { 'user-agent': `\${jndi:ldap://${query}}` });
  await ada.put('/v1/users/me/password', { currentPassword: wrong, newPassword });
  await ada.put('/v1/users/me/password', { currentPassword: password, newPassword });
  await client.post('/v1/auth/refresh', { refreshToken: first.refreshToken });
  await ada.delete('/v1/users/me', { currentPassword: newPassword });
  await app.stop();
});
afterAll(() => app.close());

describe('the log', () => {
  it('holds none of the secrets that went through the app', () => {
    const output = app.output();
    expect(app.logs().length).toBeGreaterThan(20);
    for (const secret of [...Object.values(SECRETS), ...spoken])
      expect(output).not.toContain(secret);
    expect(output).not.toContain('argon2');
  });

  it('has one line a request, with its id, its route and its status, and no URL', () => {
    const lines = app.logs().filter(({ msg }) => msg === 'request');
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      expect(line['requestId']).toMatch(/^[0-9a-f]{32}$/);
      expect(line).toMatchObject({ method: expect.any(String), status: expect.any(Number) });
      expect(line).not.toHaveProperty('url');
    }
  });

  it('says on every line when in UTC, how grave, and which instance of what wrote it', () => {
    const lines = app.logs();
    const instance = lines[0]?.['instance'];
    expect(instance).toMatch(/^[0-9a-f]{8}$/);
    for (const line of lines) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(info|warn|error)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        service: 'bulwark',
        instance,
      });
      const at = Date.parse(line['time'] as string);
      expect([line.msg, at >= startedAt && at <= Date.now()]).toEqual([line.msg, true]);
    }
  });

  it('leads from every event to its request: who asked for what, from where, with what end', () => {
    const requests = app.logs().filter(({ msg }) => msg === 'request');
    const events = app.logs().filter(({ event }) => event && !OF_NO_REQUEST.has(event));
    expect(events.length).toBeGreaterThan(15);
    for (const { event, requestId } of events)
      expect([event, requests.find((line) => line['requestId'] === requestId)]).toMatchObject([
        event,
        { method: expect.any(String), status: expect.any(Number), ip: expect.any(String) },
      ]);
  });

  it.each([
    'sys_startup',
    'user_created',
    'authn_login_success',
    'authn_login_fail',
    'authn_token_created',
    'authn_token_invalid',
    'authn_token_reuse',
    'authn_password_change',
    'authn_password_change_fail',
    'authz_fail',
    'input_validation_fail',
    'sys_shutdown',
  ])('has the security event %s', (event) => {
    expect(app.logs().filter((line) => line['event'] === event)).not.toEqual([]);
  });
});
