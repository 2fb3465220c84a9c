import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { createResource, signUp, type Person, type ResourceBody } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;
let eve: Person;

beforeAll(async () => {
  app = await startApp();
  [ada, eve] = await Promise.all([signUp(app), signUp(app)]);
});
afterAll(() => app.close());

const rows = (id: string) => app.database.query('SELECT * FROM resources WHERE id = $1', [id]);
const countRows = async () => (await app.database.query('SELECT FROM resources')).length;
const ifMatch = (version: number | string) => ({ 'if-match': `"${version}"` });

describe('POST /v1/resources', () => {
  it('creates a resource of the caller, with version 1 as its ETag', async () => {
    const body = { title: 'Report', content: 'Up.', labels: ['finance', '2026'] };
    const answer = await ada.client.post<ResourceBody>('/v1/resources', body);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.body).toEqual({
      ...body,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ownerId: ada.id,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: answer.body.createdAt,
    });
    const { title, labels } = body;
    expect(await rows(answer.body.id)).toMatchObject([{ owner_id: ada.id, title, labels }]);
    const read = await ada.client.get<ResourceBody>(`/v1/resources/${answer.body.id}`);
    expect(read.body).toEqual(answer.body);
  });

  it('takes white space off the ends, and keeps it inside', async () => {
    const created = await createResource(ada, { title: '  a  b\t', labels: [' x ', 'y'] });
    expect(created).toMatchObject({ title: 'a  b', labels: ['x', 'y'] });
  });

  it('counts limits in characters, not in UTF-16 units or accents', async () => {
    const longest = {
      title: '🦉'.repeat(200),
      content: 'é'.repeat(20_000),
      labels: Array.from({ length: 20 }, (_, index) => `${index}`.padStart(40, 'x')),
    };
    expect(await createResource(ada, longest)).toMatchObject(longest);
  });

  it.each([
    ['no title', { content: '' }],
    ['a title of white space', { title: ' \t ', content: '' }],
    ['a title that is too long', { title: 'x'.repeat(201), content: '' }],
    ['a title of too many variation selectors', { title: 'x\uFE0F'.repeat(150), content: '' }],
    ['a content that is too long', { title: 'x', content: 'x'.repeat(20_001) }],
    ['a title that is a list', { title: ['x'], content: '' }],
    ['a title that is null', { title: null, content: '' }],
    [
      '21 labels',
      { title: 'x', content: '', labels: Array.from({ length: 21 }, (_, i) => `${i}`) },
    ],
    ['a label that is too long', { title: 'x', content: '', labels: ['x'.repeat(41)] }],
    ['an empty label', { title: 'x', content: '', labels: [' '] }],
    ['a label twice', { title: 'x', content: '', labels: ['a', ' a'] }],
    ['labels that are a text', { title: 'x', content: '', labels: 'a' }],
    ['a label that is a number', { title: 'x', content: '', labels: [1] }],
    ['a label that is a list', { title: 'x', content: '', labels: [['a']] }],
  ])('refuses %s', async (_what, body) => {
    const before = await countRows();
    expectProblem(await ada.client.post('/v1/resources', body), 400, 'validation_failed');
    expect(await countRows()).toBe(before);
  });

  it.each([
    ['id', crypto.randomUUID()],
    ['ownerId', crypto.randomUUID()],
    ['owner_id', crypto.randomUUID()],
    ['version', 7],
    ['createdAt', '2000-01-01T00:00:00Z'],
    ['updatedAt', '2000-01-01T00:00:00Z'],
    ['shares', []],
  ])('refuses %s, which is not the client’s to choose', async (name, value) => {
    const before = await countRows();
    const answer = await eve.client.post('/v1/resources', {
      title: 'x',
      content: '',
      [name]: value,
    });
    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body).toMatchObject({ errors: [{ at: `/${name}` }] });
    expect(await countRows()).toBe(before);
  });
});

describe('GET /v1/resources/:id', () => {
  it('gives the owner the whole resource and its ETag', async () => {
    const created = await createResource(ada, { labels: ['a'] });
    const answer = await ada.client.get(`/v1/resources/${created.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(created);
    expect(answer.headers.get('etag')).toBe('"1"');
  });

  it.each(['1', 'me', "'", '00000000-0000-0000-0000-00000000000g'])(
    'refuses %s, which is no id',
    async (id) => {
      expectProblem(await ada.client.get(`/v1/resources/${id}`), 400, 'validation_failed');
    },
  );
});

describe('PATCH /v1/resources/:id', () => {
  it('changes what is named, and counts the version', async () => {
    const created = await createResource(ada, { labels: ['a'] });
    const path = `/v1/resources/${created.id}`;
    const answer = await ada.client.patch<ResourceBody>(path, { title: ' New ' }, ifMatch(1));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"2"');
    const { updatedAt } = answer.body;
    expect(answer.body).toEqual({ ...created, title: 'New', version: 2, updatedAt });
    expect(Date.parse(updatedAt)).toBeGreaterThan(Date.parse(created.updatedAt));
    expect((await ada.client.get(path)).body).toEqual(answer.body);
  });

  it('can empty the content and the labels', async () => {
    const { id } = await createResource(ada, { labels: ['a'] });
    const empty = { content: '', labels: [] };
    const answer = await ada.client.patch(`/v1/resources/${id}`, empty, ifMatch(1));
    expect(answer.body).toMatchObject(empty);
  });

  it('asks for If-Match', async () => {
    const { id } = await createResource(ada);
    const before = await rows(id);
    const answer = await ada.client.patch(`/v1/resources/${id}`, { title: 'x' });
    expectProblem(answer, 428, 'if_match_required');
    expect(await rows(id)).toEqual(before);
  });

  it.each([
    '*',
    'W/"1"',
    '"1", "2"',
    '"1","1"',
    '1',
    '""',
    '"one"',
    '"-1"',
    '"1.0"',
    '"9999999999"',
  ])('refuses If-Match: %s, which would let an unseen change be overwritten', async (etag) => {
    const { id } = await createResource(ada);
    const before = await rows(id);
    const path = `/v1/resources/${id}`;
    const headers = { 'if-match': etag };
    const refusals = [
      await ada.client.patch(path, { title: 'x' }, headers),
      await ada.client.delete(path, undefined, headers),
    ];
    for (const answer of refusals) expectProblem(answer, 400, 'invalid_if_match');
    expect(await rows(id)).toEqual(before);
  });

  it('refuses to overwrite a version that the author has not seen', async () => {
    const { id } = await createResource(ada);
    await ada.client.patch(`/v1/resources/${id}`, { title: 'first' }, ifMatch(1));
    const before = await rows(id);
    for (const version of [0, 1, 3]) {
      const answer = await ada.client.patch(
        `/v1/resources/${id}`,
        { title: 'x' },
        ifMatch(version),
      );
      expectProblem(answer, 412, 'version_mismatch');
      expect(answer.headers.get('etag')).toBeNull();
    }
    expect(await rows(id)).toEqual(before);
  });

  it.each([
    ['nothing', {}],
    ['a title that is null', { title: null }],
    ['an empty title', { title: '' }],
    ['labels that are null', { labels: null }],
    ['another owner', { title: 'x', ownerId: crypto.randomUUID() }],
    ['another id', { id: crypto.randomUUID() }],
    ['another version', { title: 'x', version: 1 }],
  ])('refuses to set %s', async (_what, changes) => {
    const { id } = await createResource(ada);
    const before = await rows(id);
    const answer = await ada.client.patch(`/v1/resources/${id}`, changes, ifMatch(1));
    expectProblem(answer, 400, 'validation_failed');
    expect(await rows(id)).toEqual(before);
  });
});

describe('DELETE /v1/resources/:id', () => {
  it.each([
    ['whatever version is there, without If-Match', {}],
    ['the version that If-Match names', ifMatch(1)],
  ])('deletes %s', async (_what, headers) => {
    const { id } = await createResource(ada);
    const answer = await ada.client.delete(`/v1/resources/${id}`, undefined, headers);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await rows(id)).toEqual([]);
    expectProblem(await ada.client.delete(`/v1/resources/${id}`), 404, 'not_found');
  });

  it('keeps a version that the caller has not seen', async () => {
    const { id } = await createResource(ada);
    const answer = await ada.client.delete(`/v1/resources/${id}`, undefined, ifMatch(2));
    expectProblem(answer, 412, 'version_mismatch');
    expect(await rows(id)).toHaveLength(1);
  });
});
