import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, walk, type Page } from './support/answers.js';
import type { Client } from './support/client.js';
import { createResource, signUp, type Person, type ResourceBody } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

type Sort = 'createdAt' | 'updatedAt' | 'title';
const PATH = '/v1/resources';
const TITLES = ['b', 'a', 'B', 'ä', 'a', '10', '9', '🦉', 'a', 'Z', 'b', 'a b', '_'];

let app: TestApp;
let ada: Person;
let eve: Person;
let foreign: ResourceBody;

beforeAll(async () => {
  app = await startApp();
  [ada, eve] = await Promise.all([signUp(app), signUp(app)]);
  for (const title of TITLES) await createResource(ada, { title });
  foreign = await createResource(eve, { title: 'a', labels: ['red'] });
});
afterAll(() => app.close());

const page = (client: Client, query: Record<string, string>) =>
  client.get<Page<ResourceBody>>(`${PATH}?${new URLSearchParams(query).toString()}`);
const walkOwn = (query: Record<string, string>, between?: () => Promise<unknown>) =>
  walk((cursor) => page(ada.client, { ...query, ...(cursor && { cursor }) }), between);
const ids = (items: { id: string }[]) => items.map(({ id }) => id);
const own = async (orderBy: string) =>
  ids(
    await app.database.query<{ id: string }>(
      `SELECT id FROM resources WHERE owner_id = $1 ORDER BY ${orderBy}`,
      [ada.id],
    ),
  );

describe('GET /v1/resources', () => {
  it('lists the newest first, twenty at a time, without contents', async () => {
    const { body } = await ada.client.get<Page<ResourceBody>>(PATH);
    expect(ids(body.items)).toEqual(await own('created_at DESC, id DESC'));
    expect(body.nextCursor).toBeNull();
    expect(Object.keys(body.items[0] ?? {}).toSorted()).toEqual(
      ['createdAt', 'id', 'labels', 'ownerId', 'title', 'updatedAt', 'version'].toSorted(),
    );
  });

  it.each([
    ['createdAt', 'created_at'],
    ['updatedAt', 'updated_at'],
    ['title', 'title COLLATE "C"'],
  ] as [Sort, string][])(
    'walks every row once in pages of each size, by %s',
    async (sort, column) => {
      const up = await own(`${column} ASC, id ASC`);
      for (const limit of ['1', '2', '5', '13', '100']) {
        expect(ids(await walkOwn({ sort, limit }))).toEqual(up);
        expect(ids(await walkOwn({ sort: `-${sort}`, limit }))).toEqual(up.toReversed());
      }
    },
  );

  it('walks every row once where all sort values are equal', async () => {
    await app.database.query(
      `UPDATE resources SET created_at = '2026-01-01', updated_at = '2026-01-01' WHERE owner_id = $1`,
      [ada.id],
    );
    const up = await own('id ASC');
    for (const sort of ['createdAt', 'updatedAt']) {
      expect(ids(await walkOwn({ sort, limit: '2' }))).toEqual(up);
      expect(ids(await walkOwn({ sort: `-${sort}`, limit: '2' }))).toEqual(up.toReversed());
    }
  });

  it('neither skips nor repeats a row while others come and go between the pages', async () => {
    const person = await signUp(app);
    for (let n = 0; n < 8; n += 1) await createResource(person, { title: `t${n}` });
    for (const sort of ['title', '-createdAt']) {
      const { body } = await page(person.client, { sort });
      const added: string[] = [];
      const items = await walk(
        (cursor) => page(person.client, { sort, limit: '2', ...(cursor && { cursor }) }),
        async () => {
          added.push((await createResource(person, { title: 't' })).id);
          const gone = await createResource(person, { title: 't99' });
          await person.client.delete(`${PATH}/${gone.id}`);
        },
      );
      const seen = ids(items).filter((id) => !added.includes(id));
      expect(seen).toEqual(ids(body.items));
    }
  });

  it('pages over the longest titles that there may be', async () => {
    const person = await signUp(app);
    for (const character of ['🦉', '\u0001'])
      for (let n = 0; n < 2; n += 1) await createResource(person, { title: character.repeat(200) });
    const items = await walk((cursor) =>
      page(person.client, { sort: 'title', limit: '1', ...(cursor && { cursor }) }),
    );
    expect(new Set(ids(items)).size).toBe(4);
  });

  it.each([
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '-1'],
    ['limit', '1e1'],
    ['limit', ' 5'],
    ['limit', ''],
    ['limit', '1.5'],
    ['sort', 'content'],
    ['sort', 'owner_id'],
    ['sort', '--title'],
    ['sort', 'title; DROP TABLE users'],
    ['sort', 'constructor'],
    ['label', ''],
    ['title', ''],
    ['title', 'x'.repeat(101)],
    ['offset', '1'],
    ['ownerId', 'any'],
    ['label[]', 'a'],
  ])('refuses %s=%s', async (name, value) => {
    expectProblem(await page(ada.client, { [name]: value }), 400, 'validation_failed');
  });

  it('lists nothing of anybody else, whatever the filter', async () => {
    const queries: Record<string, string>[] = [
      {},
      { title: 'a' },
      { label: 'red' },
      { sort: 'title' },
    ];
    for (const query of queries) {
      const { body, text } = await page(ada.client, query);
      expect(text).not.toContain(foreign.id);
      expect(body.items.every(({ ownerId }) => ownerId === ada.id)).toBe(true);
    }
  });
});

describe('GET /v1/resources with filters', () => {
  let bob: Person;
  const titlesOf = async (query: Record<string, string>) => {
    const { body } = await page(bob.client, { ...query, sort: 'title' });
    return body.items.map(({ title }) => title);
  };
  beforeAll(async () => {
    bob = await signUp(app);
    await createResource(bob, { title: '100% Sure', labels: ['red', 'a,b'] });
    await createResource(bob, { title: '1000 sure', labels: ['red'] });
    await createResource(bob, { title: 'a_b', labels: ['blue', '%'] });
    await createResource(bob, { title: 'a\\b' });
    await createResource(bob, { title: 'axb', labels: ['redder'] });
  });

  it.each([
    ['SURE', ['100% Sure', '1000 sure']],
    ['100%', ['100% Sure']],
    ['%', ['100% Sure']],
    ['_', ['a_b']],
    ['a_b', ['a_b']],
    ['\\', ['a\\b']],
    ["' OR true --", []],
    ['a%b', []],
  ])('finds the titles that contain %s itself', async (title, found) => {
    expect(await titlesOf({ title })).toEqual(found);
  });

  it.each([
    ['red', ['100% Sure', '1000 sure']],
    ['a,b', ['100% Sure']],
    ['%', ['a_b']],
    ['re', []],
    ['RED', []],
    ['{red}', []],
  ])('finds what carries the label %s', async (label, found) => {
    expect(await titlesOf({ label })).toEqual(found);
  });

  it('combines its filters', async () => {
    expect(await titlesOf({ label: 'red', title: '1000' })).toEqual(['1000 sure']);
    expect(await titlesOf({ label: 'blue', title: '1000' })).toEqual([]);
  });
});

describe('the cursor of GET /v1/resources', () => {
  const base = { sort: 'title', label: 'l', title: 't', limit: '1' };
  let person: Person;
  let cursor: string;
  beforeAll(async () => {
    person = await signUp(app);
    for (const title of ['t1', 't2', 't3']) await createResource(person, { title, labels: ['l'] });
    cursor = (await page(person.client, base)).body.nextCursor ?? '';
  });

  it('fits the list that it came from, with another limit too', async () => {
    const { body } = await page(person.client, { ...base, cursor, limit: '2' });
    expect(body.items.map(({ title }) => title)).toEqual(['t2', 't3']);
  });

  it.each([
    ['another order', { ...base, sort: '-title' }],
    ['another column', { ...base, sort: 'createdAt' }],
    ['another label', { ...base, label: 'm' }],
    ['another title', { ...base, title: 'u' }],
    ['a filter less', { sort: 'title', label: 'l', limit: '1' }],
  ])('is refused for %s', async (_what, query) => {
    expectProblem(await page(person.client, { ...query, cursor }), 400, 'invalid_cursor');
  });

  it('is refused from another user, and on another list', async () => {
    await createResource(eve, { title: 't9', labels: ['l'] });
    expectProblem(await page(eve.client, { ...base, cursor }), 400, 'invalid_cursor');
    const shared = `${PATH}/shared-with-me?cursor=${encodeURIComponent(cursor)}`;
    expectProblem(await person.client.get(shared), 400, 'invalid_cursor');
  });

  it('is refused when it was edited, cut or made up', async () => {
    const [body = '', mac = ''] = cursor.split('.');
    const place = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const forge = (text: string) => Buffer.from(text).toString('base64url');
    const forgeries = [
      `${forge(JSON.stringify({ ...place, value: "' OR true --" }))}.${mac}`,
      `${forge(JSON.stringify({ ...place, id: foreign.id }))}.${mac}`,
      `${forge('{"__proto__":{}}')}.${mac}`,
      `${body}.${'A'.repeat(mac.length)}`,
      `${body}.${mac.slice(0, 8)}`,
      `${body}.`,
      body,
      `.${mac}`,
      'x',
      '',
    ];
    for (const forged of forgeries)
      expectProblem(await page(person.client, { ...base, cursor: forged }), 400, 'invalid_cursor');
  });
});
