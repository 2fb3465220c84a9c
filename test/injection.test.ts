import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RATE_LIMIT } from '../src/http/rate-limit.js';
import { declaredRoutes, type DeclaredRoute } from '../src/http/declared-routes.js';
import { fieldsOf } from '../src/http/fields.js';
import {
  createAdministrator,
  createResource,
  newEmail,
  signUp,
  type Person,
} from './support/factories.js';
import { INJECTIONS } from './support/injections.js';
import { startApp, type TestApp } from './support/test-app.js';

/** Legal requests write to these; to all others nothing may be added and nothing be lost. */
const GUARDED = [
  'sessions',
  'refresh_tokens',
  'resource_shares',
  'session_revocations',
  'migrations',
];
/** So many that no budget of theirs ends the test: a refused request reaches no SQL. */
const PEOPLE = 24;
const ADMINS = 6;

let app: TestApp;
let crowd: Person[];
let admins: Person[];
let routes: DeclaredRoute[];
let turn = 0;

beforeAll(async () => {
  app = await startApp();
  crowd = await Promise.all(Array.from({ length: PEOPLE }, () => signUp(app)));
  admins = await Promise.all(Array.from({ length: ADMINS }, () => createAdministrator(app)));
  await Promise.all(crowd.map((person) => createResource(person)));
  routes = declaredRoutes(app.app);
});
afterAll(() => app.close());

/** Somebody else each time, from another address: no budget ends the test. */
function next(admin: boolean) {
  const people = admin ? admins : crowd;
  const person = people[(turn += 1) % people.length] as Person;
  return app.client().withToken(person.tokens.accessToken);
}

async function rowCounts() {
  const counts = GUARDED.map((table) => `(SELECT count(*) FROM ${table})::int AS ${table}`);
  const [row] = await app.database.query(
    `SELECT ${counts.join(', ')},
    (SELECT count(*) FROM users WHERE role = 'admin')::int AS admins,
    (SELECT count(*) FROM users WHERE id = ANY($1))::int AS people`,
    [crowd.map(({ id }) => id)],
  );
  return row;
}

const textFields = (dto: Parameters<typeof fieldsOf>[0]) =>
  [...fieldsOf(dto)].filter(([, { kind }]) => kind === 'string').map(([name]) => name);
const fill = (path: string, value: string) =>
  path.replaceAll(/:\w+/g, () => encodeURIComponent(value));
const isForAdmins = (path: string) => path.startsWith('/v1/users') && !path.includes('/me');

/** Each place of a route that takes a text, with the payload in it. */
function requestsOf({ method, path, inputs }: DeclaredRoute, payload: string) {
  const id = '00000000-0000-4000-8000-000000000000';
  const body = inputs.body?.dto;
  const query = inputs.query?.dto;
  const requests: { path: string; body?: object }[] = [];
  if (path.includes(':')) requests.push({ path: fill(path, payload), ...(body && { body: {} }) });
  for (const name of query ? textFields(query) : [])
    requests.push({ path: `${fill(path, id)}?${name}=${encodeURIComponent(payload)}` });
  for (const name of body ? textFields(body) : []) {
    const legal = { title: 'T', content: 'C', email: newEmail(), password: 'p' };
    const own = Object.fromEntries(
      Object.entries(legal).filter(([key]) => body && fieldsOf(body).has(key)),
    );
    requests.push({ path: fill(path, id), body: { ...own, [name]: payload } });
  }
  return requests.map((request) => ({ method, ...request }));
}

describe('every text that a client can send', () => {
  it.each(INJECTIONS)('is data: %s', async (payload) => {
    const before = await rowCounts();
    const requests = routes.flatMap((route) => requestsOf(route, payload));
    expect(requests.length).toBeGreaterThan(30);
    const answers = await Promise.all(
      requests.map(async ({ method, path, body }) => ({
        request: `${method} ${path}`,
        answer: await next(isForAdmins(path)).send<{ title?: string }>(method, path, body),
      })),
    );
    const broken = answers.filter(({ answer: { status } }) => status >= 500 || status === 429);
    expect(broken.map(({ request, answer }) => [request, answer.text])).toEqual([]);
    const told = answers.filter(
      ({ answer }) => answer.status >= 400 && answer.text.match(/SQL|pg_/),
    );
    expect(told.map(({ answer }) => answer.text)).toEqual([]);
    expect(await rowCounts()).toEqual(before);
  });

  it('is stored as it came', async () => {
    for (const title of INJECTIONS) {
      const { status, body } = await next(false).post('/v1/resources', { title, content: title });
      expect([status, body['title'], body['content']]).toEqual([201, title, title]);
    }
  });

  it('is data in headers too', async () => {
    const { id } = await createResource(crowd[0] as Person);
    for (const payload of INJECTIONS.filter((text) => /^[\x20-\x7e]+$/.test(text))) {
      const headers = { 'if-match': payload, 'idempotency-key': payload, traceparent: payload };
      const answers = await Promise.all([
        next(false).patch(`/v1/resources/${id}`, { title: 'x' }, headers),
        next(false).post('/v1/resources', { title: 'x', content: '' }, headers),
        app.client().get('/v1/users/me', { authorization: `Bearer ${payload}` }),
      ]);
      for (const { status } of answers) expect(status).toBeLessThan(500);
    }
  });
});

describe('the walk over the routes', () => {
  it('sees them all', () => {
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.every(({ handler }) => Reflect.hasMetadata(RATE_LIMIT, handler))).toBe(true);
  });
});

describe('the filter on titles', () => {
  it('matches its wildcards as text', async () => {
    const person = await signUp(app);
    await createResource(person, { title: '100% sure_thing' });
    await createResource(person, { title: '100 per cent sure thing' });
    for (const [pattern, hits] of [
      ['100%', 1],
      ['sure_', 1],
      ['%', 1],
      ['_', 1],
      ['\\', 0],
    ] as const) {
      const { body } = await person.client.get<{ items: { title: string }[] }>(
        `/v1/resources?title=${encodeURIComponent(pattern)}`,
      );
      expect([pattern, body.items.length]).toEqual([pattern, hits]);
    }
  });
});
