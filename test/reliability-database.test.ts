import { afterAll, beforeAll, afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RevocationFeed } from '../src/access/revocation-feed.js';
import { PreparedClient } from '../src/database/prepared-client.js';
import { countStatuses, expectProblem } from './support/answers.js';
import type { Answer } from './support/client.js';
import { createResource, login, signUp, type Person } from './support/factories.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { startApp, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

/** A connection, a statement and a way to wait for each: no answer takes longer than this. */
const MAX_WAIT_MS = 12_000;
const RECOVERY_MS = 10_000;

let database: TestDatabase;
let proxy: PostgresProxy;
let app: TestApp;
let ada: Person;
let id: string;
const rejections: unknown[] = [];
const remember = (reason: unknown) => rejections.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', remember);
  database = await createTestDatabase();
  proxy = await PostgresProxy.before(database.urls.app);
  app = await startApp({ database, env: { DATABASE_URL: proxy.url } });
  ada = await signUp(app);
  ({ id } = await createResource(ada));
});
afterAll(async () => {
  await app.close();
  await proxy.close();
  await database.drop();
  process.off('unhandledRejection', remember);
});
afterEach(async () => {
  proxy.restore();
  await recovered();
  expect(rejections).toEqual([]);
});

const isLive = () => app.app.get(RevocationFeed).isLive;

/** Without a restart: requests are answered again, and the feed is heard again. */
async function recovered(): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  while (performance.now() < deadline) {
    const { status } = await ada.client.get('/v1/health/ready');
    if (status === 200 && isLive()) return;
    await sleep(100);
  }
  throw new Error('the app did not recover');
}

const requests = (): Promise<Answer>[] => [
  ada.client.get(`/v1/resources/${id}`),
  ada.client.get('/v1/resources'),
  ada.client.post('/v1/resources', { title: 'x', content: '' }),
  ada.client.post('/v1/resources', { title: 'x', content: '' }, { 'idempotency-key': 'k' }),
  ada.client.patch(`/v1/resources/${id}`, { title: 'y' }, { 'if-match': '"1"' }),
  ada.client.get('/v1/users/me'),
  app.client().post('/v1/auth/login', { email: ada.email, password: ada.password }),
  app.client().post('/v1/auth/refresh', { refreshToken: 'A'.repeat(43) }),
  ada.client.get('/v1/health/ready'),
];

function expectUnavailable(answers: Answer[]): void {
  for (const answer of answers) {
    expectProblem(answer, 503, 'database_unavailable');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.text).not.toMatch(/ECONN|postgres|timeout|terminated|127\.0\.0\.1/i);
  }
}

describe.each([
  ['refuses connections', () => proxy.refuse()],
  ['says nothing any more', () => proxy.stall()],
])('while the database %s', (_what, breakDown) => {
  it('answers 503 within a bound, stays live, and recovers by itself', async () => {
    const before = await database.query('SELECT * FROM resources ORDER BY id');
    breakDown();
    const startedAt = performance.now();
    const pending = Promise.all(requests());
    const live = await ada.client.get('/v1/health/live');
    expect([live.status, live.body]).toEqual([200, { status: 'ok' }]);
    expectUnavailable(await pending);
    expectUnavailable(await Promise.all(requests()));
    expect(performance.now() - startedAt).toBeLessThan(2 * MAX_WAIT_MS);
    expect(isLive()).toBe(false);
    expect(await database.query('SELECT * FROM resources ORDER BY id')).toEqual(before);

    proxy.restore();
    await recovered();
    const answer = await ada.client.get<{ id: string }>(`/v1/resources/${id}`);
    expect([answer.status, answer.body.id]).toEqual([200, id]);
  }, 60_000);
});

describe('when every open connection goes dead without a word', () => {
  it('gives each of them up once, and serves on new ones', async () => {
    const path = `/v1/resources/${id}`;
    const crowd = () => Promise.all(Array.from({ length: 20 }, () => ada.client.get(path)));
    expect(countStatuses(await crowd())).toEqual({ 200: 20 });
    proxy.forget();
    expectUnavailable((await crowd()).filter(({ status }) => status !== 200));
    expect(countStatuses(await crowd())).toEqual({ 200: 20 });
  }, 60_000);
});

describe('when a connection is cut before it says its first word', () => {
  it('is an error of whoever wanted it, and not the end of the process', async () => {
    const client = new PreparedClient({ connectionString: proxy.url });
    client.once('connect', () => proxy.cut());
    const error = await new Promise<Error>((resolve) => {
      client.connect((failed: Error) => resolve(failed));
    });
    expect(error.message).toMatch(/terminated|ECONNRESET/);
  });
});

describe('when every connection is cut', () => {
  it('answers each request or says 503, and never anything else', async () => {
    const title = 'as it was';
    const { id: other } = await createResource(ada, { title });
    for (let round = 0; round < 5; round += 1) {
      const pending = Promise.all(
        Array.from({ length: 4 }, () => [
          ada.client.get(`/v1/resources/${other}`),
          ada.client.get('/v1/users/me'),
          ada.client.patch(`/v1/resources/${other}`, { title }, { 'if-match': '"999"' }),
        ]).flat(),
      );
      await sleep(round * 3);
      proxy.cut();
      const answers = await pending;
      const unexpected = answers.filter(({ status }) => ![200, 412, 503].includes(status));
      expect(unexpected.map(({ text }) => text)).toEqual([]);
      expectUnavailable(answers.filter(({ status }) => status === 503));
      await recovered();
    }
  }, 60_000);

  it('still hears of every session that ended meanwhile', async () => {
    const eve = await signUp(app);
    proxy.refuse();
    await database.query('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [eve.id]);
    const refused = await eve.client.get('/v1/users/me');
    expect([401, 503]).toContain(refused.status);
    expect(refused.text).not.toContain(eve.email);
    proxy.restore();
    await recovered();
    expectProblem(await eve.client.get('/v1/users/me'), 401, 'invalid_token');
  });

  it('hears of sessions that end after it came back', async () => {
    proxy.cut();
    await recovered();
    const eve = await signUp(app);
    await database.query('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [eve.id]);
    await sleep(500);
    expect(isLive()).toBe(true);
    expectProblem(await eve.client.get('/v1/users/me'), 401, 'invalid_token');
  });
});

describe('while the database is slow', () => {
  it('serves, only later', async () => {
    proxy.delay(150);
    const { email, password } = ada;
    await expect(login(app.client(), email, password)).resolves.toMatchObject({ expiresIn: 600 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ada.client.get(`/v1/resources/${id}`)),
    );
    expect(countStatuses(answers)).toEqual({ 200: 20 });
  });

  it('answers 503 when it is slower than the bound, and stays live', async () => {
    proxy.delay(8_000);
    const startedAt = performance.now();
    const answers = await Promise.all(requests());
    expect(performance.now() - startedAt).toBeLessThan(MAX_WAIT_MS);
    expectUnavailable(answers);
    expect((await ada.client.get('/v1/health/live')).status).toBe(200);
  }, 60_000);
});
