import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAdministrator, createResource, signUp, type Person } from './support/factories.js';
import { expectProblem } from './support/problems.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;
let root: Person;
let id: string;

beforeAll(async () => {
  app = await startApp();
  [ada, root] = await Promise.all([signUp(app), createAdministrator(app)]);
  ({ id } = await createResource(ada));
});
afterAll(() => app.close());

const WRONG_TEXTS: unknown[] = [null, 1, true, [], ['a'], {}, { $ne: null }, { length: 3 }];
const WRONG_LISTS: unknown[] = [null, 'a', 1, {}, { length: 1, 0: 'a' }, [1], [null], [[]], ['']];
const WRONG_CHOICES: unknown[] = [...WRONG_TEXTS, 'owner', 'READ', ' read', '', 'toString'];
const WRONG_IDS = ['1', 'null', '*', "'", '00000000-0000-0000-0000-00000000000g', '%7Bid%7D'];

type Errors = { errors: { at: string; rule: string; message: string }[] };

/** Refused with the place named, the value not repeated, and nothing written. */
async function refusesField(person: Person, request: [string, string, object], at: string) {
  const rows = () => app.database.query('SELECT * FROM resources, users ORDER BY 1, 9');
  const before = await rows();
  const answer = await person.client.send<Errors>(...request);
  expectProblem(answer, 'validation_failed');
  expect(answer.body.errors[0]?.at.startsWith(at)).toBe(true);
  expect(await rows()).toEqual(before);
}

describe('a field of a body', () => {
  it.each(WRONG_TEXTS)('refuses %j where a text is declared', async (value) => {
    const body = { title: value, content: '' };
    await refusesField(ada, ['POST', '/v1/resources', body], '/title');
  });

  it.each(WRONG_TEXTS)('refuses %j where a password is declared', async (value) => {
    const body = { currentPassword: value, newPassword: value };
    await refusesField(ada, ['PUT', '/v1/users/me/password', body], '/currentPassword');
  });

  it.each([
    ...WRONG_TEXTS,
    '',
    'a',
    '@',
    'a@b',
    'a b@example.com',
    '"a\r\nBcc: b"@example.com',
    '"a\u2028b"@example.com',
    '"a\\b"@example.com',
    '"a<b"@example.com',
    `${'a'.repeat(250)}@b.com`,
  ])('refuses %j where an e-mail address is declared', async (value) => {
    const body = { email: value, password: 'plum orchid lantern' };
    await refusesField(
      { ...ada, client: app.client() },
      ['POST', '/v1/auth/register', body],
      '/email',
    );
  });

  it.each(WRONG_LISTS)('refuses %j where a list of texts is declared', async (value) => {
    const body = { title: 'a', content: '', labels: value };
    await refusesField(ada, ['POST', '/v1/resources', body], '/labels');
  });

  it('refuses more labels than declared, the same label twice, and long ones', async () => {
    const many = Array.from({ length: 21 }, (_, index) => `${index}`);
    for (const labels of [many, ['a', 'a'], ['a', ' a '], ['a'.repeat(41)]])
      await refusesField(
        ada,
        ['POST', '/v1/resources', { title: 'a', content: '', labels }],
        '/labels',
      );
  });

  it.each(WRONG_CHOICES)('refuses %j where a choice is declared', async (value) => {
    const path = `/v1/resources/${id}/shares/${root.id}`;
    await refusesField(ada, ['PUT', path, { permission: value }], '/permission');
    const role = ['PUT', `/v1/users/${ada.id}/role`, { role: value }] as [string, string, object];
    await refusesField(root, role, '/role');
  });

  it('may be absent when it is optional, and never null', async () => {
    const answer = await ada.client.post('/v1/resources', { title: 'a', content: '' });
    expect(answer.status).toBe(201);
    const body = { title: 'a', content: '', labels: null };
    await refusesField(ada, ['POST', '/v1/resources', body], '/labels');
    const person = { email: 'x@example.com', password: 'plum orchid lantern', displayName: null };
    await refusesField(
      { ...ada, client: app.client() },
      ['POST', '/v1/auth/register', person],
      '/displayName',
    );
  });

  it.each(['ownerId', 'id', 'version', 'createdAt', 'role', '', 'Title'])(
    'is refused when nobody declared it: %j',
    async (name) => {
      const body = { title: 'a', content: '', [name]: root.id };
      await refusesField(ada, ['POST', '/v1/resources', body], `/${name}`);
    },
  );

  it('is not repeated in the refusal, whatever its name and its value', async () => {
    const canary = 'canary-4711';
    const body = { title: { canary }, content: [canary], [`~/${'x'.repeat(500)}`]: canary };
    const answer = await ada.client.post<Errors>('/v1/resources', body);
    expectProblem(answer, 'validation_failed');
    expect(answer.text).not.toContain(canary);
    expect(answer.body.errors.every(({ at }) => at.length <= 100)).toBe(true);
  });

  it('is named by text that is whole, however long its name is', async () => {
    for (const name of [`${'x'.repeat(98)}😀`, `${'x'.repeat(98)}~`, `${'x'.repeat(98)}/`]) {
      const answer = await ada.client.post<Errors>('/v1/resources', { [name]: 1 });
      const at = answer.body.errors.map((error) => error.at).find((text) => text.startsWith('/x'));
      expect(at).toBe(`/${'x'.repeat(98)}`);
    }
  });

  it('is told what is wrong in a sentence', async () => {
    const body = { title: 1, content: '', labels: [1] };
    const answer = await ada.client.post<Errors>('/v1/resources', body);
    const messages = answer.body.errors.map(({ at, message }) => [at, message]);
    expect(Object.fromEntries(messages)).toEqual({
      '/title': 'must be a string',
      '/labels': 'each item must be a string',
    });
  });

  it('is refused with a bounded answer, however many are wrong', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x${n}`, 1]));
    const answer = await ada.client.post<Errors>('/v1/resources', wrong);
    expectProblem(answer, 'validation_failed');
    expect(answer.body.errors.length).toBe(20);
  });
});

describe('a parameter of the path', () => {
  it.each(WRONG_IDS)('is refused when it is %s where an id is declared', async (wrong) => {
    for (const path of [`/v1/resources/${wrong}`, `/v1/resources/${wrong}/shares`])
      expectProblem(await ada.client.get(path), 'validation_failed');
    expectProblem(await root.client.get(`/v1/users/${wrong}`), 'validation_failed');
  });

  it('is refused when it is longer than any id', async () => {
    expectProblem(await ada.client.get(`/v1/resources/${'a'.repeat(201)}`), 'url_too_long');
  });
});

describe('a parameter of the query', () => {
  it.each(['1', '5', '100'])('limit=%s is a page size', async (limit) => {
    expect((await ada.client.get(`/v1/resources?limit=${limit}`)).status).toBe(200);
  });

  it.each([
    ...['0', '-1', '101', '1e2', '0x10', '%205', '+5', '5%20', '5.0', '5.5', '', 'NaN', 'Infinity'],
    ...['1,000', '٣', '５', 'true', 'null', '[]', '9007199254740993', '1'.repeat(400)],
  ])('limit=%s is refused', async (limit) => {
    const answer = await ada.client.get<Errors>(`/v1/resources?limit=${limit}`);
    expectProblem(answer, 'validation_failed');
    expect(answer.body.errors[0]?.at).toBe('/limit');
  });

  it.each([
    ...['limit', 'limit[]=5', 'limit[gt]=5', 'limit.x=5', 'Limit=5', 'x=1', '=1', 'sort=owner_id'],
    ...['sort=-CreatedAt', 'sort=title;DROP', 'label=', 'title=%20', 'offset=5'],
  ])('?%s is refused', async (query) => {
    expectProblem(await ada.client.get(`/v1/resources?${query}`), 'validation_failed');
  });

  it.each(['__proto__=1', 'constructor=1', 'toString=1', 'prototype=1', '%5F_proto__=1'])(
    '?%s is refused and changes no prototype',
    async (query) => {
      expectProblem(await ada.client.get(`/v1/resources?${query}`), 'forbidden_key');
      expect(({} as { x?: unknown }).x).toBeUndefined();
    },
  );

  it.each([
    'limit=5&limit=6',
    'limit=5&limit=5',
    'limit=5&%6Cimit=6',
    'title=a&&title=b',
    'limit&limit',
  ])('?%s is refused: one reader takes the first, another the last', async (query) => {
    expectProblem(await ada.client.get(`/v1/resources?${query}`), 'duplicate_key');
  });

  it('is refused by a route that declares none, with and without a token', async () => {
    expectProblem(await ada.client.get('/v1/users/me?fields=passwordHash'), 'validation_failed');
    expectProblem(await ada.client.get(`/v1/resources/${id}?x`), 'validation_failed');
    expectProblem(await app.client().get('/v1/health/live?x=1'), 'validation_failed');
  });
});

describe('a body on a route that declares none', () => {
  it.each([{}, [], 'text', 0, false, { logout: true }])('is refused: %j', async (body) => {
    const answer = await ada.client.post('/v1/auth/logout', JSON.stringify(body));
    expectProblem(answer, 'validation_failed');
    expect((await ada.client.get('/v1/users/me')).status).toBe(200);
  });

  it('is refused on DELETE, which then deletes nothing', async () => {
    const answer = await ada.client.delete(`/v1/resources/${id}`, { id: root.id });
    expectProblem(answer, 'validation_failed');
    expect((await ada.client.get(`/v1/resources/${id}`)).status).toBe(200);
  });
});
