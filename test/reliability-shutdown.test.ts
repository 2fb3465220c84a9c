import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { countStatuses } from './support/answers.js';
import { Child, productionEnvironment, run, scratchCopy, servedBy } from './support/child.js';
import { Client } from './support/client.js';
import { createResource, signUpByMail, type Person } from './support/factories.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { untilWaiting } from './support/waiting.js';

const SHUTDOWN_MS = 12_000;

let database: TestDatabase;
let proxy: PostgresProxy;
const children: Child[] = [];
const copy = scratchCopy();
beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.before(database.urls.app);
  expect(await run(['scripts/build.js'], { cwd: copy.folder })).toEqual({ code: 0, output: '' });
}, 120_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await proxy.close();
  await database.drop();
  copy.remove();
});

/** The app in production, in a process of its own. Instances of one `env` share their secrets. */
async function start(env = productionEnvironment(proxy.url)) {
  const child = new Child(['dist/main.js'], { cwd: copy.folder, env });
  children.push(child);
  const url = await servedBy(child);
  return { child, url, database, client: () => new Client(url) };
}

async function exitOf(child: Child): Promise<number | null | 'too late'> {
  const late = sleep(SHUTDOWN_MS, 'too late' as const, { ref: false });
  return Promise.race([child.exit, late]);
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('finishes what is under way, takes nothing new, and exits with 0', async () => {
    const app = await start();
    const ada = await signUpByMail(app);
    const { id } = await createResource(ada);
    const body = { title: 'in flight', content: '' };
    const lock = new pg.Client({ connectionString: database.urls.owner });
    await lock.connect();
    await lock.query('BEGIN; LOCK TABLE resources IN ACCESS EXCLUSIVE MODE');
    const pending = Promise.all([
      ...Array.from({ length: 8 }, () => ada.client.post('/v1/resources', body)),
      ada.client.get(`/v1/resources/${id}`),
    ]);
    await untilWaiting(database, 9);
    app.child.kill(signal);
    await sleep(300);
    await lock.end();
    const answers = await pending;
    expect(countStatuses(answers)).toEqual({ 201: 8, 200: 1 });
    expect(await exitOf(app.child)).toBe(0);
    const rows = await database.query('SELECT FROM resources WHERE owner_id = $1 AND title = $2', [
      ada.id,
      'in flight',
    ]);
    expect(rows).toHaveLength(8);
    await expect(ada.client.get('/v1/health/live')).rejects.toThrow('fetch failed');
  }, 120_000);
});

describe('SIGTERM', () => {
  it('ends the app also while the database says nothing', async () => {
    const app = await start();
    proxy.stall();
    app.child.kill('SIGTERM');
    expect(await exitOf(app.child)).not.toBe('too late');
    proxy.restore();
  }, 120_000);

  it('leaves no connection behind', async () => {
    const app = await start();
    app.child.kill('SIGTERM');
    expect(await exitOf(app.child)).toBe(0);
    const connections = () =>
      database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database()
          AND application_name LIKE 'bulwark%'`,
      );
    // The server takes a moment to notice the end of a connection.
    for (let n = 0; n < 100 && (await connections()).length > 0; n += 1) await sleep(100);
    expect(await connections()).toEqual([]);
  }, 120_000);
});

describe('a restart of one of two instances under load', () => {
  it('loses no write that was acknowledged, and makes none twice', async () => {
    const env = productionEnvironment(proxy.url);
    let first = await start(env);
    const second = await start(env);
    const people = await Promise.all([
      signUpByMail(first),
      signUpByMail(second),
      signUpByMail(second),
    ]);
    const acknowledged = new Map<string, string>();
    let retries = 0;

    /** As a good client does it: the same key, on the other instance, until it is acknowledged. */
    async function write(person: Person, n: number): Promise<void> {
      const key = `${person.id}-${n}`;
      for (let attempt = n; ; attempt += 1) {
        const { url } = attempt % 2 ? first : second;
        const client = new Client(url, person.client.ip, person.tokens.accessToken);
        const answer = await client
          .post<{ id: string }>(
            '/v1/resources',
            { title: key, content: '' },
            { 'idempotency-key': key },
          )
          .catch(() => null);
        if (answer?.status === 201) {
          acknowledged.set(key, answer.body.id);
          return;
        }
        if (answer && answer.status !== 503) throw new Error(answer.text);
        retries += 1;
        await sleep(20);
      }
    }
    const WRITES_EACH = 100;
    const load = Promise.all(
      people.map(async (person) => {
        for (let n = 0; n < WRITES_EACH; n += 1) {
          await write(person, n);
          await sleep(40);
        }
      }),
    );
    await sleep(1_000);
    first.child.kill('SIGTERM');
    expect(await exitOf(first.child)).toBe(0);
    const whileAway = acknowledged.size;
    first = await start(env);
    await load;

    expect(whileAway).toBeLessThan(people.length * WRITES_EACH);
    expect(retries).toBeGreaterThan(0);
    const rows = await database.query<{ id: string; title: string }>(
      'SELECT id, title FROM resources WHERE owner_id = ANY($1)',
      [people.map(({ id }) => id)],
    );
    expect(rows).toHaveLength(people.length * WRITES_EACH);
    expect(new Map(rows.map(({ id, title }) => [title, id]))).toEqual(acknowledged);
    for (const { child } of [first, second]) child.kill('SIGTERM');
    expect(await Promise.all([exitOf(first.child), exitOf(second.child)])).toEqual([0, 0]);
  }, 180_000);
});
