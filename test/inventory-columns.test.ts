import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Type as Class } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import { DataSource } from 'typeorm';
import { fieldsOf } from '../src/http/fields.js';
import { createCast, type Cast } from './support/cast.js';
import type { Answer } from './support/client.js';
import { createResource, type Person } from './support/factories.js';
import {
  fillPath,
  fingerprint,
  inventoryOf,
  legalBody,
  legalHeaders,
  type Route,
} from './support/inventory.js';
import { setFactor } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';

type Refusable = Answer<{ code?: string; errors?: object[] }>;

let app: TestApp;
let createPerson: Cast;
let routes: Route[];
/** Every name that a row of ours has a value under, with one that would fit there. */
let columns: Map<string, unknown>;

beforeAll(async () => {
  app = await startApp();
  createPerson = await createCast(app);
  routes = inventoryOf(app);
  columns = await everyColumn(await createPerson('user'));
});
afterAll(() => app.close());

/** Properties of the entities, and columns of the tables: also of those that have no entity. */
async function everyColumn(thief: Person): Promise<Map<string, unknown>> {
  const fitting: Record<string, unknown> = {
    uuid: thief.id,
    integer: 4_711,
    timestamptz: '2001-01-01T00:00:00.000Z',
    'timestamp with time zone': '2001-01-01T00:00:00.000Z',
    ARRAY: ['mine'],
  };
  const typical = (type: string) => fitting[type] ?? 'admin';
  const properties = app.app
    .get(DataSource)
    .entityMetadatas.flatMap(({ columns: ofEntity }) =>
      ofEntity.map(({ propertyName, type }) => [propertyName, typical(String(type))] as const),
    );
  const rows = await app.database.query<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_schema = 'public'`,
  );
  return new Map([...properties, ...rows.map(({ name, type }) => [name, typical(type)] as const)]);
}

/** Somebody whom the route serves, what is his, and a request that it takes from him. */
async function legalRequest(route: Route) {
  const isAdmin = route.callers !== 'anybody' && !route.callers.includes('user');
  const person = await createPerson(isAdmin ? 'admin' : 'user');
  const [other, { id }] = [await createPerson('user'), await createResource(person)];
  const named = isAdmin ? other.id : id;
  const { factorId = '', ...typed } = await setFactor(app, route.key, person);
  const path = fillPath(route, { id: named, userId: other.id, factorId });
  const headers = legalHeaders(route);
  // Each from an address of its own: no budget of an address ends the walk.
  const send = (body: unknown, query = ''): Promise<Refusable> =>
    app
      .client()
      .withToken(person.tokens.accessToken)
      .send(route.method, path + query, body, headers);
  const body = await legalBody(app, route, person);
  return { send, body: body && { ...body, ...typed } };
}

/** Columns that are sent along and not declared there: each must be refused by its name. */
async function acceptedOf(
  dto: Class | undefined,
  refusal: (name: string) => object,
  send: (name: string, value: unknown) => Promise<Refusable>,
): Promise<string[]> {
  const names = [...columns].filter(([name]) => !dto || !fieldsOf(dto).has(name));
  const answers = await Promise.all(
    names.map(async ([name, value]) => ({ name, answer: await send(name, value) })),
  );
  const isRefused = ({ name, answer: { status, body } }: (typeof answers)[number]) =>
    status === 400 &&
    body.code === 'validation_failed' &&
    isDeepStrictEqual(body.errors, [refusal(name)]);
  return answers
    .filter((tried) => !isRefused(tried))
    .map(({ name, answer }) => `${name}: ${answer.status} ${answer.text}`);
}

const unknown = (name: string) => ({
  at: `/${name}`,
  rule: 'whitelistValidation',
  message: 'is not known here',
});

describe('the inventory', () => {
  it('has what attackers ask for first, by both of its names, and the routes that take a body', () => {
    const wanted = ['role', 'ownerId', 'owner_id', 'passwordHash', 'password_hash', 'revoked_at'];
    expect(wanted.filter((name) => !columns.has(name))).toEqual([]);
    expect(routes.filter(({ inputs }) => inputs.body).length).toBeGreaterThan(8);
    expect(routes.filter(({ inputs }) => inputs.query).length).toBeGreaterThan(3);
  });
});

describe('a column that a client sends along', () => {
  it('in a body that does not declare it is refused, and nothing is written', async () => {
    for (const route of routes.filter(({ inputs }) => inputs.body)) {
      const { send, body } = await legalRequest(route);
      const before = await fingerprint(app.database);
      const accepted = await acceptedOf(route.inputs.body?.dto, unknown, (name, value) =>
        send({ ...body, [name]: value }),
      );
      expect([route.key, accepted]).toEqual([route.key, []]);
      expect([route.key, await fingerprint(app.database)]).toEqual([route.key, before]);
      // It was the column that was refused, and nothing else about the request.
      expect([route.key, (await send(body)).status]).toEqual([route.key, route.answer?.status]);
    }
  });

  it('to a route that takes no body is refused, and nothing is done', async () => {
    const bodyless = routes.filter(({ method, inputs }) => method !== 'GET' && !inputs.body);
    expect(bodyless.map(({ key }) => key)).toContain('POST /v1/auth/logout');
    for (const route of bodyless) {
      const { send } = await legalRequest(route);
      const before = await fingerprint(app.database);
      const refusal = () => ({ at: '', rule: 'notDeclared', message: 'takes no body' });
      const accepted = await acceptedOf(undefined, refusal, (name, value) =>
        send({ [name]: value }),
      );
      expect([route.key, accepted]).toEqual([route.key, []]);
      expect([route.key, await fingerprint(app.database)]).toEqual([route.key, before]);
    }
  });

  it('in a query that does not declare it is refused by every route', async () => {
    for (const route of routes) {
      const { send, body } = await legalRequest(route);
      const dto = route.inputs.query?.dto;
      const none = () => ({ at: '/?', rule: 'notDeclared', message: 'takes no query' });
      const before = await fingerprint(app.database);
      const accepted = await acceptedOf(dto, dto ? unknown : none, (name, value) =>
        send(body, `?${name}=${encodeURIComponent(String(value))}`),
      );
      expect([route.key, accepted]).toEqual([route.key, []]);
      expect([route.key, await fingerprint(app.database)]).toEqual([route.key, before]);
    }
  });
});
