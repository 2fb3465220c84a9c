import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { countStatuses, expectProblem } from './support/answers.js';
import { createResource, signUp, type Person, type ResourceBody } from './support/factories.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { startApp, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

let database: TestDatabase;
let proxy: PostgresProxy;
let app: TestApp;
let ada: Person;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.before(database.urls.app);
  app = await startApp({ database, env: { DATABASE_URL: proxy.url, DATABASE_POOL_SIZE: '2' } });
  ada = await signUp(app);
});
afterAll(async () => {
  await app.close();
  await proxy.close();
  await database.drop();
});

async function whileOwner(holds: string, work: () => Promise<void>): Promise<void> {
  const owner = new pg.Client({ connectionString: database.urls.owner });
  await owner.connect();
  try {
    await owner.query(`BEGIN; SET LOCAL bulwark.actor = 'system'; ${holds}`);
    await work();
  } finally {
    await owner.end();
  }
}

describe('a statement that takes too long', () => {
  it('waits for a lock only so long, and changes nothing', async () => {
    const { id } = await createResource(ada);
    const path = `/v1/resources/${id}`;
    const change = () => ada.client.patch(path, { title: 'x' }, { 'if-match': '"1"' });
    await whileOwner(`SELECT FROM resources WHERE id = '${id}' FOR UPDATE`, async () => {
      const startedAt = performance.now();
      const [changed, read] = await Promise.all([change(), ada.client.get(path)]);
      expectProblem(changed, 503, 'database_unavailable');
      expect(Number(changed.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(read.status).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    });
    expect((await change()).body).toMatchObject({ title: 'x', version: 2 });
  });

  it('is ended by the server, and keeps nothing of what it did', async () => {
    await database.query(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$`);
    await database.query(`CREATE TRIGGER dawdle AFTER INSERT ON resources
      FOR EACH ROW EXECUTE FUNCTION dawdle()`);
    const answer = await ada.client.post('/v1/resources', { title: 'slow', content: '' });
    expectProblem(answer, 503, 'database_unavailable');
    await database.query('DROP FUNCTION dawdle CASCADE');
    const rows = await database.query(`SELECT FROM resources WHERE title = 'slow'`);
    expect(rows).toEqual([]);
    await expect(createResource(ada, { title: 'slow' })).resolves.toMatchObject({ version: 1 });
  });

  it('does not keep others waiting for a connection without end', async () => {
    const { id } = await createResource(ada);
    const path = `/v1/resources/${id}`;
    await whileOwner('LOCK TABLE resources IN ACCESS EXCLUSIVE MODE', async () => {
      const startedAt = performance.now();
      const answers = await Promise.all(Array.from({ length: 12 }, () => ada.client.get(path)));
      expect(countStatuses(answers)).toEqual({ 503: 12 });
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
    expect((await ada.client.get(path)).status).toBe(200);
  });
});

describe('an answer that arrives after its request was given up', () => {
  it('is never taken for the answer of another request', async () => {
    const people = [ada, await signUp(app)];
    const resources: { person: Person; id: string }[] = [];
    for (let n = 0; n < 8; n += 1) {
      const person = people[n % 2] ?? ada;
      resources.push({ person, id: (await createResource(person)).id });
    }
    const readAll = () =>
      Promise.all(
        resources.map(async ({ person, id }) => ({
          id,
          answer: await person.client.get<ResourceBody>(`/v1/resources/${id}`),
        })),
      );
    // Longer than the client waits (7 s), so that the answers are still under way when it gives up.
    proxy.delay(7_500);
    const late = await readAll();
    expect(countStatuses(late.map(({ answer }) => answer))).toEqual({ 503: 8 });
    proxy.delay(0);
    for (let round = 0; round < 20; round += 1)
      for (const { id, answer } of await readAll())
        if (answer.status !== 503) expect([answer.status, answer.body.id]).toEqual([200, id]);
    const recovered = await readAll();
    expect(countStatuses(recovered.map(({ answer }) => answer))).toEqual({ 200: 8 });
  }, 60_000);
});
