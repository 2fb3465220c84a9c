import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoundedMap } from '../src/http/bounded-map.js';
import { RATE_LIMITS, sourceOf } from '../src/http/rate-limit.js';
import { RateLimiter } from '../src/http/rate-limiter.js';
import { userRow } from './support/sealed-rows.js';
import { Client } from './support/client.js';
import { signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

/** Sends twice as many requests as the budget has; answers how many were not refused. */
async function countPassed(limit: number, send: (n: number) => Promise<{ status: number }>) {
  const answers = await Promise.all(Array.from({ length: 2 * limit }, (_, n) => send(n)));
  return answers.filter(({ status }) => status !== 429).length;
}

describe('the budget of a source address', () => {
  it('says where the client stands', async () => {
    const { headers } = await app.client().get('/v1/health/live');
    expect(headers.get('ratelimit-policy')).toBe('"public";q=600;w=60');
    expect(headers.get('ratelimit')).toBe('"public";r=599;t=1');
  });

  it('ends with 429 and the time to wait', async () => {
    const client = app.client();
    const body = { refreshToken: 'x' };
    const limit = RATE_LIMITS.credentials.perIp;
    const passed = await countPassed(limit, () => client.post('/v1/auth/refresh', body));
    const refused = await client.post('/v1/auth/refresh', body);
    expect(passed).toBeGreaterThanOrEqual(limit);
    expect(passed).toBeLessThan(2 * limit);
    expect([refused.status, refused.body['code']]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await app.client().post('/v1/auth/refresh', body)).status).toBe(401);
  });

  it('counts what finds no route, and what is no JSON', async () => {
    const client = app.client();
    const { perIp } = RATE_LIMITS.public;
    const passed = await countPassed(perIp, () => client.get('/nowhere'));
    expect(passed).toBeLessThan(2 * perIp);
    const other = app.client();
    const credentials = RATE_LIMITS.credentials.perIp;
    const read = await countPassed(credentials, () => other.post('/v1/auth/login', '{'));
    expect(read).toBeLessThan(2 * credentials);
  });

  it('is one for a whole IPv6 network, whatever the client writes before it', async () => {
    const { perIp } = RATE_LIMITS.credentials;
    const passed = await countPassed(perIp, (n) =>
      new Client(app.url, `9.9.9.${n}, 2001:db8:1:2::${n}`).post('/v1/auth/login', '{'),
    );
    expect(passed).toBeLessThan(2 * perIp);
  });
});

describe('the budget of a user', () => {
  it('follows him to every address', async () => {
    const { perUser } = RATE_LIMITS.write;
    const passed = await countPassed(perUser, () =>
      app.client().withToken(ada.tokens.accessToken).patch('/v1/users/me', { displayName: 'A' }),
    );
    expect(passed).toBeGreaterThanOrEqual(perUser);
    expect(passed).toBeLessThan(2 * perUser);
    expect((await userRow(app.database, ada.id))?.displayName).toBe('A');
  });
});

describe('sourceOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:50123', '192.0.2.1'],
    ['::ffff:192.0.2.1:50123', '192.0.2.1'],
    ['[2001:db8:1:2::3]:50123', '2001:db8:1:2'],
    ['192.0.2.1:501234', 'unknown'],
    ['[2001:db8:1:2::3', 'unknown'],
    ['not an address', 'unknown'],
    ['', 'unknown'],
    ['1.2.3.4.5', 'unknown'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['2001:db8:1:2:3:4:5::', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s is %s', (ip, source) => {
    expect(sourceOf(ip)).toBe(source);
  });
});

describe('RateLimiter', () => {
  it('lets the limit through at once, then one for each part of the minute', () => {
    const limiter = new RateLimiter();
    const take = (now: number) => limiter.take('a', 6, now).waitSeconds === 0;
    expect([0, 0, 0, 0, 0, 0].map(take)).toEqual([true, true, true, true, true, true]);
    expect([take(0), take(9_999), take(10_000), take(10_000)]).toEqual([false, false, true, false]);
  });

  it('does not double at the edge of a window', () => {
    const limiter = new RateLimiter();
    const times = [...Array<number>(10).fill(59_999), ...Array<number>(10).fill(60_001)];
    const passed = times.filter((now) => limiter.take('a', 10, now).waitSeconds === 0);
    expect(passed).toHaveLength(10);
  });

  it('does not push the end of the wait away for who hammers', () => {
    const limiter = new RateLimiter();
    limiter.take('a', 1, 0);
    const waits = [1_000, 2_000, 3_000].map((now) => limiter.take('a', 1, now).waitSeconds);
    expect(waits).toEqual([59, 58, 57]);
  });
});

describe('BoundedMap', () => {
  it('never holds more than twice its half, and keeps what is used', () => {
    const map = new BoundedMap<number, number>(100);
    map.set(-1, -1);
    for (let key = 0; key < 1_000; key += 1) {
      map.set(key, key);
      expect(map.get(-1)).toBe(-1);
    }
    const kept = Array.from({ length: 1_000 }, (_, key) => map.get(key) !== undefined);
    expect(kept.filter(Boolean).length).toBeLessThanOrEqual(200);
  });
});
