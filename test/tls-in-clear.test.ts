import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Authority, TlsFolder } from './support/certificates.js';
import { run, source } from './support/child.js';
import { Client, type Answer } from './support/client.js';
import {
  createResource,
  login,
  newEmail,
  newPassword,
  signUp,
  signUpByMail,
  type Person,
} from './support/factories.js';
import { expectProblem } from './support/problems.js';
import { exchange } from './support/raw-http.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';
import { startApp, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { trustOnly } from './support/tls.js';

const PUBLIC_URL = 'https://localhost';
const NO_TOKEN = /Bearer|eyJ|refresh_token/;
const basic = `Basic ${Buffer.from('ada:plum').toString('base64')}`;

type Send = (client: Client, headers?: Record<string, string>) => Promise<Answer>;

/** What somebody who listens would like to read. Each must change nothing. */
const CREDENTIALS: [string, Send][] = [
  ['an access token', (client, h) => client.get('/v1/users/me', h)],
  ['a token that is nobody’s', (client, h) => client.withToken('a.b.c').get('/v1/users/me', h)],
  ['another scheme', (client, h) => client.get('/', { ...h, authorization: basic })],
  ['a cookie', (client, h) => client.get('/v1/users/me', { ...h, cookie: 'a=b' })],
  [
    'a page, asked for with a cookie',
    (client, h) => client.get('/account/sign-in', { ...h, cookie: 'a=b' }),
  ],
  ['an access token with HEAD', (client, h) => client.send('HEAD', '/v1/users/me', undefined, h)],
  [
    'a sign-up',
    (client, h) =>
      client.post('/v1/auth/register', { email: newEmail(), password: newPassword() }, h),
  ],
  ['a body that is no JSON', (client, h) => client.post('/v1/auth/login', 'x', h)],
  ['a resource', (client, h) => client.post('/v1/resources', { title: 'x', content: '' }, h)],
  ['a deletion', (client, h) => client.delete('/v1/users/me/sessions', undefined, h)],
  ['a method that nobody knows', (client, h) => client.send('PURGE', '/', undefined, h)],
];

/** All that a request could have changed, but for the end of a session. */
const rowsOf = ({ query }: TestDatabase) =>
  query(`SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM resources) AS resources,
    (SELECT count(*) FROM refresh_tokens) AS tokens, (SELECT count(*) FROM sign_ups) AS sign_ups`);

describe('the port for plain HTTP, beside one that ends TLS', () => {
  const folder = new TlsFolder();
  let app: SpawnedApp;
  let ada: Person;
  /** Ada's client, at the wrong port. */
  let plain: Client;
  let plainUrl: string;

  beforeAll(async () => {
    const authority = await Authority.create();
    trustOnly(authority);
    folder.write(await authority.issue());
    app = await spawnApp({ env: { ...folder.env, PUBLIC_URL, HTTP_PORT: '0' } });
    const { msg } = await app.logged((line) => line.msg.startsWith('Plain HTTP is refused'));
    plainUrl = `http://127.0.0.1:${/\d+$/.exec(msg)?.[0]}`;
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
    folder.remove();
  });

  const expectRefused = (answer: Answer) => {
    expect(answer.status).toBe(403);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.headers.get('set-cookie')).toBeNull();
    if (answer.text) expect(answer.body['code']).toBe('tls_required');
  };
  const events = () => app.logs().filter((line) => line['event'] === 'authn_sent_in_clear');

  describe.each(CREDENTIALS)('%s', (_what, send) => {
    it('is refused unread, and recorded without what it was', async () => {
      ada = await signUpByMail(app);
      plain = new Client(plainUrl, undefined, ada.tokens.accessToken);
      const rows = await rowsOf(app.database);
      const answer = await send(plain);
      expectRefused(answer);
      expect(await rowsOf(app.database)).toEqual(rows);
      const requestId = answer.headers.get('x-request-id');
      const event = await app.logged((line) => line['requestId'] === requestId);
      expect(event).toMatchObject({
        event: 'authn_sent_in_clear',
        level: 'error',
        ip: '127.0.0.1',
      });
      expect(JSON.stringify(event)).not.toMatch(NO_TOKEN);
    });
  });

  it('ends the session of a token that came in clear, and no other', async () => {
    ada = await signUpByMail(app);
    const other = app
      .client()
      .withToken((await login(app.client(), ada.email, ada.password)).accessToken);
    const answer = await new Client(plainUrl, undefined, ada.tokens.accessToken).get(
      '/v1/users/me',
    );
    expectRefused(answer);
    expect((await ada.client.get('/v1/users/me')).status).toBe(401);
    const { refreshToken } = ada.tokens;
    expect((await app.client().post('/v1/auth/refresh', { refreshToken })).status).toBe(401);
    expect((await other.get('/v1/users/me')).status).toBe(200);
    expect(events().at(-1)).toMatchObject({ userId: ada.id });
  });

  it('ends the session of a browser’s cookie that came in clear, and no other', async () => {
    ada = await signUpByMail(app);
    const other = await login(app.client(), ada.email, ada.password);
    const { refreshToken } = ada.tokens;
    const cookie = `a=b; __Host-refresh_token=${refreshToken}`;
    expectRefused(await new Client(plainUrl).post('/v1/auth/refresh', undefined, { cookie }));
    expect((await ada.client.get('/v1/users/me')).status).toBe(401);
    const refresh = (token: string) =>
      app.client().post('/v1/auth/refresh', { refreshToken: token });
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await refresh(other.refreshToken)).status).toBe(200);
    expect(events().at(-1)).toMatchObject({ userId: ada.id });
  });

  it.each(['GET', 'HEAD'])(
    'sends %s of a page to where TLS is, and nowhere else',
    async (method) => {
      const answer = await new Client(plainUrl).send(method, '/account/sign-in');
      expect(answer.status).toBe(308);
      expect(answer.headers.get('location')).toBe(`${PUBLIC_URL}/account/sign-in`);
      expect(answer.headers.get('connection')).toBe('close');
      // Whoever is on the way could have written it (RFC 6797 §7.2).
      expect(answer.headers.has('strict-transport-security')).toBe(false);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  it.each([
    '/',
    '/v1/health/live',
    '/v1/users/me',
    '/.well-known/jwks.json',
    '/account/',
    '/account/../v1/users/me',
    '/account/x?next=//evil.example',
    '//evil.example/account/x',
    '/account//evil.example',
    '/account/x%0d%0aset-cookie:a=b',
    'http://evil.example/account/x',
    '@evil.example/account/x',
  ])('does not redirect %s: a client of the API must notice', async (path) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`;
    const { answers } = await exchange(plainUrl, request, { waitMs: 2_000 });
    expect(answers.map(({ status }) => status)).toEqual([path.startsWith('@') ? 400 : 403]);
    expect(answers[0]?.headers.has('location')).toBe(false);
    expect(answers[0]?.text).not.toContain('evil');
  });

  it('does not ask for a body that waits to be asked for', async () => {
    const head = ['POST /v1/auth/login HTTP/1.1', 'Host: api', 'Content-Length: 60'];
    const request = `${[...head, 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`;
    const { answers } = await exchange(plainUrl, request, { waitMs: 2_000 });
    expect(answers.map(({ status }) => status)).toEqual([403]);
  });

  it.each([
    ['no HTTP', 'no HTTP\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['headers that are too large', `GET / HTTP/1.1\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`],
  ])('refuses what is %s, and goes on', async (_what, request) => {
    const { answers, closed } = await exchange(plainUrl, request, { waitMs: 5_000 });
    expect(answers.map(({ status }) => status >= 400 && status < 500)).toEqual([true]);
    expect(closed).toBe(true);
    expect((await new Client(plainUrl).get('/account/sign-in')).status).toBe(308);
  });

  it('answers one request of a connection, whatever comes behind it', async () => {
    const get = 'GET /account/sign-in HTTP/1.1\r\nHost: api\r\n\r\n';
    const { answers, closed } = await exchange(plainUrl, get + get, { waitMs: 5_000 });
    expect([answers.length, closed]).toEqual([1, true]);
  });
});

describe('a request of which a proxy of ours says that it came in clear', () => {
  let app: TestApp;
  let ada: Person;
  const IN_CLEAR = { 'x-forwarded-proto': 'http' };

  beforeAll(async () => {
    app = await startApp({ env: { PUBLIC_URL } });
  });
  afterAll(() => app.close());

  describe.each(CREDENTIALS)('%s', (_what, send) => {
    it('is refused unread', async () => {
      ada = await signUp(app);
      const rows = await rowsOf(app.database);
      const answer = await send(ada.client, IN_CLEAR);
      if (answer.text) expectProblem(answer, 'tls_required');
      else expect(answer.status).toBe(403);
      expect(await rowsOf(app.database)).toEqual(rows);
    });
  });

  it('ends the session of its token, and no other', async () => {
    ada = await signUp(app);
    const { accessToken } = await login(app.client(), ada.email, ada.password);
    await ada.client.get('/v1/users/me', IN_CLEAR);
    expect((await ada.client.get('/v1/users/me')).status).toBe(401);
    expect((await app.client().withToken(accessToken).get('/v1/users/me')).status).toBe(200);
  });

  it('is answered when it holds no secret, for health checks and people', async () => {
    for (const path of ['/v1/health/ready', '/account/sign-in', '/.well-known/jwks.json'])
      expect((await app.client().get(path, IN_CLEAR)).status).toBe(200);
    const env = { PORT: new URL(app.url).port };
    expect(await run(source('commands/health.ts'), { env })).toEqual({ code: 0, output: '' });
  });

  it.each([
    ['https', 200],
    ['HTTPS', 200],
    // The client wrote the first, and our one proxy the last.
    ['http, https', 200],
    ['http', 403],
    ['HTTP', 403],
    ['https, http', 403],
    ['ws', 403],
    ['', 403],
  ])('is known by the entry of the proxy: %j is answered %d', async (said, status) => {
    ada = await signUp(app);
    const answer = await ada.client.get('/v1/users/me', { 'x-forwarded-proto': said });
    expect(answer.status).toBe(status);
  });

  it('is known by the outermost of two proxies', async () => {
    const database = await createTestDatabase();
    const two = await startApp({ database, env: { PUBLIC_URL, TRUSTED_PROXY_HOPS: '2' } });
    const ask = async (said: string) => {
      ada = await signUp(two);
      return (await ada.client.get('/v1/users/me', { 'x-forwarded-proto': said })).status;
    };
    expect(await ask('https, http')).toBe(200);
    expect(await ask('http, https')).toBe(403);
    expect(await ask('https, http, https')).toBe(403);
    expect(await ask('http')).toBe(403);
    await two.close();
    await database.drop();
  });

  it.each([
    ['without a proxy nobody may say so', { PUBLIC_URL, TRUSTED_PROXY_HOPS: '0' }],
    ['where the address is plain HTTP, as in development', {}],
  ])('is none: %s', async (_why, env) => {
    const { database } = app;
    const other = await startApp({ database, env });
    ada = await signUp(other);
    expect((await ada.client.get('/v1/users/me', IN_CLEAR)).status).toBe(200);
    await createResource(ada);
    await other.close();
  });
});
