import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { countStatuses, expectProblem } from './support/answers.js';
import { signUp, type Person, type ResourceBody } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const PATH = '/v1/resources';
const BODY = { title: 'Once', content: 'only' };

let app: TestApp;
let ada: Person;
let eve: Person;

beforeAll(async () => {
  app = await startApp();
  [ada, eve] = await Promise.all([signUp(app), signUp(app)]);
});
afterAll(() => app.close());

const post = (who: Person, key: string, body: object = BODY) =>
  who.client.post<ResourceBody>(PATH, body, { 'idempotency-key': key });
const countOf = async (who: Person) =>
  (await app.database.query('SELECT FROM resources WHERE owner_id = $1', [who.id])).length;

describe('POST /v1/resources with an Idempotency-Key', () => {
  it('creates once and answers the same again', async () => {
    const before = await countOf(ada);
    const key = crypto.randomUUID();
    const first = await post(ada, key);
    const second = await post(ada, key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('etag')).toBe('"1"');
    expect(await countOf(ada)).toBe(before + 1);
  });

  it('answers a retry with what became of the resource', async () => {
    const key = crypto.randomUUID();
    const { body } = await post(ada, key);
    await ada.client.patch(`${PATH}/${body.id}`, { title: 'Later' }, { 'if-match': '"1"' });
    expect((await post(ada, key)).body).toMatchObject({ id: body.id, title: 'Later', version: 2 });
  });

  it('creates one of thirty at the same time, and tells all of them which', async () => {
    const before = await countOf(ada);
    const key = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(ada, key)));
    expect(countStatuses(answers)).toEqual({ 201: 30 });
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await countOf(ada)).toBe(before + 1);
  });

  it('creates one for each key', async () => {
    const before = await countOf(ada);
    const keys = Array.from({ length: 10 }, () => crypto.randomUUID());
    const answers = await Promise.all(keys.map((key) => post(ada, key)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(10);
    expect(await countOf(ada)).toBe(before + 10);
  });

  it('refuses the key for another body, and creates nothing', async () => {
    const key = crypto.randomUUID();
    await post(ada, key);
    const before = await countOf(ada);
    for (const other of [
      { ...BODY, title: 'Other' },
      { ...BODY, labels: [] },
      { ...BODY, labels: ['x'] },
    ])
      expectProblem(await post(ada, key, other), 422, 'idempotency_key_reused');
    expect(await countOf(ada)).toBe(before);
  });

  it('lets one of two bodies win when they race for a key', async () => {
    const before = await countOf(ada);
    const key = crypto.randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => post(ada, key, { ...BODY, title: `Racer ${n}` })),
    );
    expect(countStatuses(answers)).toEqual({ 201: 1, 422: 9 });
    expect(await countOf(ada)).toBe(before + 1);
  });

  it('keeps the keys of two users apart', async () => {
    const key = crypto.randomUUID();
    const hers = await post(ada, key);
    const [mine, other] = [await post(eve, key), await post(eve, key, { ...BODY, title: 'Other' })];
    expect(mine.status).toBe(201);
    expect(mine.body.id).not.toBe(hers.body.id);
    expect(mine.body.ownerId).toBe(eve.id);
    expectProblem(other, 422, 'idempotency_key_reused');
  });

  it('does not create again what was deleted', async () => {
    const key = crypto.randomUUID();
    const { body } = await post(ada, key);
    await ada.client.delete(`${PATH}/${body.id}`);
    const before = await countOf(ada);
    expectProblem(await post(ada, key), 409, 'idempotency_key_spent');
    expect(await countOf(ada)).toBe(before);
  });

  it.each(['a', 'A-Z_09', 'x'.repeat(64)])('takes the key %s', async (key) => {
    expect((await post(ada, key)).status).toBe(201);
  });

  it.each(['x'.repeat(65), 'a b', 'a,b', '"a"', 'é', "'--", 'a/../b', ''])(
    'refuses the key %s',
    async (key) => {
      const before = await countOf(ada);
      expectProblem(await post(ada, key), 400, 'invalid_idempotency_key');
      expect(await countOf(ada)).toBe(before);
    },
  );

  it('does not spend the key on a request that is refused', async () => {
    const key = crypto.randomUUID();
    expectProblem(await post(ada, key, { title: '' }), 400, 'validation_failed');
    expect((await post(ada, key)).status).toBe(201);
  });

  it('does not spend the key on a creation that the database fails', async () => {
    const key = crypto.randomUUID();
    const before = await countOf(ada);
    const owner = new pg.Client({ connectionString: app.database.urls.owner });
    await owner.connect();
    try {
      await owner.query('BEGIN; LOCK TABLE resources IN ACCESS EXCLUSIVE MODE');
      expectProblem(await post(ada, key), 503, 'database_unavailable');
    } finally {
      await owner.end();
    }
    const spent = await app.database.query('SELECT FROM idempotency_keys WHERE key = $1', [key]);
    expect(spent).toEqual([]);
    expect((await post(ada, key)).status).toBe(201);
    expect(await countOf(ada)).toBe(before + 1);
  });
});
