import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RATE_LIMITS } from '../src/http/rate-limit.js';
import { createAdministrator, createResource, signUp, type Person } from './support/factories.js';
import { expectProblem, expectSafe } from './support/problems.js';
import { exchange } from './support/raw-http.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;
let id: string;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
  await createAdministrator(app);
  ({ id } = await createResource(ada));
});
afterAll(() => app.close());

/** As it is: fetch would tidy the path up. */
async function raw(method: string, path: string, token = '', headers: string[] = []) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: api',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...headers,
    'Connection: close',
  ];
  const { answers } = await exchange(app.url, `${lines.join('\r\n')}\r\n\r\n`, { waitMs: 5_000 });
  expect(answers.length).toBe(1);
  return answers[0] ?? { status: 0, headers: new Headers(), text: '' };
}

describe('an URL', () => {
  it.each(['%', '%2', '%zz', '%ff', '%c0%af', '%ed%a0%80', '%u0041', 'a%'])(
    'with the escape %s is refused in the path and in the query',
    async (escape) => {
      const token = ada.tokens.accessToken;
      expectProblem(await raw('GET', `/v1/resources/${escape}`, token), 'malformed_url');
      expectProblem(await raw('GET', `/v1/${escape}/me`), 'malformed_url');
      expectProblem(await raw('GET', `/v1/resources?title=${escape}`, token), 'malformed_url');
      expectProblem(await raw('GET', `/v1/resources?${escape}=a`, token), 'malformed_url');
    },
  );

  it('with an escaped NUL is refused in the path and in the query', async () => {
    const token = ada.tokens.accessToken;
    expectProblem(await raw('GET', `/v1/resources/${id}%00`, token), 'forbidden_character');
    expectProblem(await raw('GET', '/v1/users/me%00.json', token), 'forbidden_character');
    expectProblem(await raw('GET', '/v1/resources?title=a%00', token), 'forbidden_character');
    expectProblem(await raw('GET', '/v1/resources?a%00=a', token), 'forbidden_character');
  });

  it('is decoded once: %2500 is the text "%00"', async () => {
    const created = await createResource(ada, { title: 'half %00 price' });
    const list = await ada.client.get<{ items: { id: string }[] }>('/v1/resources?title=%2500');
    expect(list.body.items.map((item) => item.id)).toEqual([created.id]);
    expectProblem(await ada.client.get(`/v1/resources/%252e%252e`), 'validation_failed');
  });

  it('may have 4,096 characters and not one more', async () => {
    const url = (length: number) => '/v1/resources?cursor='.padEnd(length, 'a');
    expectProblem(await ada.client.get(url(4_096)), 'validation_failed');
    expectProblem(await ada.client.get(url(4_097)), 'url_too_long');
    expectProblem(await ada.client.get(`/${'a'.repeat(8_000)}`), 'url_too_long');
  });

  it('has room for the next page of the longest list that may be asked for', async () => {
    const bob = await signUp(app);
    const label = '🦉'.repeat(40);
    for (let n = 0; n < 2; n += 1)
      await createResource(bob, { title: '🦉'.repeat(200), labels: [label] });
    const filter = new URLSearchParams({ sort: '-title', label, title: '🦉'.repeat(100) });
    const first = `/v1/resources?limit=1&${filter.toString()}`;
    const { body } = await bob.client.get<{ nextCursor: string }>(first);
    const next = await bob.client.get<{ items: object[] }>(`${first}&cursor=${body.nextCursor}`);
    expect([next.status, next.body.items?.length]).toEqual([200, 1]);
  });

  it.each(['#', '#hasOwnProperty=1', '#limit=1', '?limit=1#', '?title=a#&title=b'])(
    'with a fragment is refused, which the router would take for a query: %s',
    async (end) => {
      const answer = await raw('GET', `/v1/resources${end}`, ada.tokens.accessToken);
      expectProblem(answer, 'malformed_url');
    },
  );

  it.each([
    ['malformed_url', '/%zz'],
    ['url_too_long', `/v1/resources/${'a'.repeat(300)}`],
  ] as const)('that no route can be found for has a budget, too: %s', async (code, url) => {
    const client = app.client();
    const many = Array.from({ length: 2 * RATE_LIMITS.public.perIp }, () => client.get(url));
    const refused = (await Promise.all(many)).filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expectProblem(await app.client().get(url), code);
  });
});

describe('another spelling of a guarded path', () => {
  const spellings = (path: string) => [
    `${path}/`,
    `${path}//`,
    `/${path}`,
    path.replace('/v1/', '/v1//'),
    path.replace('/v1/', '/V1/'),
    path.toUpperCase(),
    path.replace('/v1/', '/v1/./'),
    path.replace('/v1/', '/v1/x/../'),
    path.replace('/v1/', '/x/../v1/'),
    path.replace('/v1/', '/v1%2f'),
    path.replace('/v1/', '/v1%5c'),
    path.replace('/v1/', '/v1\\'),
    path.replace('/v1/', '/v1/%2e/'),
    path.replace('/v1/', '/v1/auth/login/..%2f..%2f'),
    path.replace('/v1/', '/v1/health/live;/../../'),
    path.replace('/v1/', '/v2/'),
    path.replace('/v1', ''),
    `${path};public=1`,
    `${path};/v1/health/live`,
    `${path}%20`,
    `${path}%09`,
    `${path}.json`,
    `${path}%23`,
    `${path}#`,
    `${path}?`,
    `${path}%3f`,
    `http://localhost${path}`,
    path.replace('users', '%75sers').replace('resources', '%72esources'),
  ];

  it.each([
    '/v1/users/me',
    '/v1/users',
    '/v1/resources',
    '/v1/resources/ID',
    '/v1/resources/ID/shares',
  ])('never opens %s without a token', async (path) => {
    for (const spelling of spellings(path.replace('ID', id))) {
      const answer = await raw('GET', spelling);
      expect([spelling, answer.status >= 400]).toEqual([spelling, true]);
      expectSafe(answer);
      expect(answer.text).not.toContain(ada.id);
    }
  });

  it('never opens what is for administrators to somebody else', async () => {
    for (const spelling of spellings(`/v1/users/${ada.id}`)) {
      const answer = await raw('GET', spelling, ada.tokens.accessToken);
      expect([spelling, answer.status >= 400]).toEqual([spelling, true]);
      expect(answer.text).not.toContain(ada.email);
    }
  });
});

describe('a method', () => {
  it('that an address does not know is a 405, which names those that it knows', async () => {
    const answers: [string, string, string][] = [
      ['PUT', '/v1/users/me', 'DELETE, GET, HEAD, PATCH'],
      ['DELETE', '/v1/auth/login', 'POST'],
      ['GET', '/v1/auth/login', 'POST'],
      ['POST', `/v1/resources/${id}`, 'DELETE, GET, HEAD, PATCH'],
      ['OPTIONS', '/v1/resources', 'GET, HEAD, POST'],
      ['PATCH', '/.well-known/jwks.json', 'GET, HEAD'],
    ];
    for (const [method, path, allow] of answers) {
      const answer = await raw(method, path, ada.tokens.accessToken);
      expectProblem(answer, 'method_not_allowed');
      expect(answer.headers.get('allow')?.split(', ').toSorted().join(', ')).toBe(allow);
    }
  });

  it.each(['TRACE', 'PROPFIND', 'PURGE', 'LOCK', 'SEARCH', 'LINK', 'REPORT', 'QUERY'])(
    '%s reaches nothing and reflects nothing',
    async (method) => {
      const headers = ['X-Canary: 4711'];
      const answer = await raw(method, '/v1/users/me', ada.tokens.accessToken, headers);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expectSafe(answer);
      expect(answer.text).not.toMatch(/4711|Bearer/);
    },
  );

  it.each(['get', 'FOO', 'GET/', 'G=T'])('%s is not HTTP', async (method) => {
    expectProblem(await raw(method, '/v1/health/live'), 'malformed_request');
  });

  it('HEAD meets the guards of GET and answers its headers only', async () => {
    const open = await ada.client.send('HEAD', `/v1/resources/${id}`);
    expect([open.status, open.text, open.headers.get('etag')]).toEqual([200, '', '"1"']);
    const closed = await app.client().send('HEAD', `/v1/resources/${id}`);
    expect([closed.status, closed.text]).toEqual([401, '']);
    expectSafe(closed);
  });

  it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method'])(
    'cannot be replaced by the header %s',
    async (name) => {
      const answer = await ada.client.get(`/v1/resources/${id}`, { [name]: 'DELETE' });
      expect(answer.status).toBe(200);
      expect((await ada.client.get(`/v1/resources/${id}`)).status).toBe(200);
    },
  );

  it.each(['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix', 'X-Forwarded-Host'])(
    'cannot be led to another path by the header %s',
    async (name) => {
      const answer = await app.client().get('/v1/users/me', { [name]: '/v1/health/live' });
      expectProblem(answer, 'authentication_required');
    },
  );
});

describe('an address that is nowhere', () => {
  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/admin',
    '/admin',
    '/.env',
    '/.git/config',
    '/favicon.ico',
    '/metrics',
  ])('is a 404 that says no more: %s', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expectProblem(await raw(method, path), 'not_found');
  });
});
