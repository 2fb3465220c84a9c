import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectSafe } from './support/problems.js';
import { startApp, type TestApp } from './support/test-app.js';

const FRIEND = 'https://app.example.com';
const STRANGERS = [
  'https://app.example.com.evil.example',
  'https://evilapp.example.com',
  'https://evil.example/https://app.example.com',
  'https://app.example.com:8443',
  'https://app.example.com/',
  'https://sub.app.example.com',
  'https://example.com',
  'https://app.example.com@evil.example',
  'https://appxexample.com',
  'http://app.example.com',
  'HTTPS://APP.EXAMPLE.COM',
  `${FRIEND}, https://evil.example`,
  'null',
  '*',
  'file://',
];

let closed: TestApp;
let app: TestApp;
beforeAll(async () => {
  closed = await startApp();
  app = await startApp({ database: closed.database, env: { CORS_ORIGINS: FRIEND } });
});
afterAll(async () => {
  await app.close();
  await closed.close();
});

const read = (of: TestApp, origin: string) => of.client().get('/v1/health/live', { origin });
const preflight = (of: TestApp, origin: string) =>
  of.client().send('OPTIONS', '/v1/resources', undefined, {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  });
const allowances = ({ headers }: { headers: Headers }) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-allow-'));

describe('a browser on another origin', () => {
  it.each([FRIEND, ...STRANGERS])(
    'may read nothing unless an origin is configured: %s',
    async (origin) => {
      for (const answer of [await read(closed, origin), await preflight(closed, origin)]) {
        expectSafe(answer);
        expect(allowances(answer)).toEqual([]);
      }
    },
  );

  it.each(STRANGERS)(
    'may read nothing when it is not exactly the one configured: %s',
    async (origin) => {
      for (const answer of [await read(app, origin), await preflight(app, origin)]) {
        expectSafe(answer);
        expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      }
    },
  );

  it('may read when it is the one configured, problems too, and never with credentials', async () => {
    const answers = { '/v1/health/live': 200, '/v1/users/me': 401, '/nowhere': 404 };
    for (const [path, expected] of Object.entries(answers)) {
      const { headers, status } = await app.client().get(path, { origin: FRIEND });
      expect([path, status]).toEqual([path, expected]);
      expect(headers.get('access-control-allow-origin')).toBe(FRIEND);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toContain('Origin');
      expect(headers.get('access-control-expose-headers')).toContain('x-request-id');
    }
  });

  it('may read that its requests were too many', async () => {
    const client = app.client();
    const send = () => client.post('/v1/auth/refresh', '{', { origin: FRIEND });
    const answers = await Promise.all(Array.from({ length: 60 }, send));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('access-control-allow-origin')).toBe(FRIEND);
  });

  it('is told before it writes what it may send', async () => {
    const answer = await preflight(app, FRIEND);
    expect(answer.status).toBe(204);
    expectSafe(answer);
    expect(answer.headers.get('access-control-allow-origin')).toBe(FRIEND);
    expect(answer.headers.get('access-control-allow-methods')).toBe(
      'GET, POST, PUT, PATCH, DELETE',
    );
    expect(answer.headers.get('access-control-allow-headers')).toContain('idempotency-key');
    expect(answer.headers.get('access-control-allow-headers')).not.toContain('*');
  });
});
