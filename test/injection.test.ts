import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { RATE_LIMIT } from '../src/http/rate-limit.js';
import { createCast, type Cast } from './support/cast.js';
import type { Client } from './support/client.js';
import { createResource, signUp, type Person } from './support/factories.js';
import { INJECTIONS } from './support/injections.js';
import {
  fillPath,
  inventoryOf,
  legalBody,
  legalHeaders,
  type Field,
  type Route,
} from './support/inventory.js';
import { recordStatements } from './support/statements.js';
import { setFactor } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';

/** Legal requests write to these; to all others nothing may be added and nothing be lost. */
const GUARDED = ['sessions', 'refresh_tokens', 'resource_shares', 'migrations'];
/** So many that no budget of theirs ends the test: a refused request reaches no SQL. */
const PEOPLE = 40;
const ADMINS = 10;
/** Long and odd enough for a password, and in no statement of ours: where it stands, a payload does. */
const PAD = 'plum orchid 4711 ';

let app: TestApp;
let createPerson: Cast;
let crowd: Person[];
let admins: Person[];
let bystander: Person;
let routes: Route[];
let turn = 0;
const recorder = recordStatements();
const reached = new Set<string>();

beforeAll(async () => {
  app = await startApp();
  createPerson = await createCast(app);
  crowd = await Promise.all(Array.from({ length: PEOPLE }, () => createPerson('user')));
  admins = await Promise.all(Array.from({ length: ADMINS }, () => createPerson('admin')));
  bystander = await createPerson('user');
  await createResource(bystander);
  routes = inventoryOf(app);
});
afterAll(async () => {
  recorder.stop();
  await app.close();
});

const oneOf = (people: Person[]) => people[(turn += 1) % people.length] as Person;
/** Somebody else each time, from another address: no budget ends the test. */
const next = () => app.client().withToken(oneOf(crowd).tokens.accessToken);

async function traces() {
  const counts = GUARDED.map((table) => `(SELECT count(*) FROM ${table})::int AS ${table}`);
  const [row] = await app.database.query(
    `SELECT ${counts.join(', ')},
    (SELECT count(*) FROM users WHERE role = 'admin')::int AS admins,
    (SELECT count(*) FROM users WHERE id = ANY($1))::int AS people,
    (SELECT to_jsonb(u) FROM users u WHERE id = $2) AS bystander,
    (SELECT jsonb_agg(r) FROM resources r WHERE owner_id = $2) AS hers`,
    [crowd.map(({ id }) => id), bystander.id],
  );
  return row;
}

interface Shot {
  /** `GET /v1/resources query title` */
  at: string;
  name: string;
  send: () => ReturnType<typeof shoot>;
}
const shoot = (client: Client, ...request: Parameters<Client['send']>) =>
  client.send<{ code?: string; errors?: { at: string }[] }>(...request);

/** A password meets nothing but its hash, which takes its time: it gets one payload of so many. */
const PASSWORDS_TRY_EVERY = 5;

/** The payload as it is, and in a text that the field takes: only that where an answer is costly. */
function valuesOf({ name, schema }: Field, payload: string, costly: boolean): unknown[] {
  const { format, type } = schema;
  if (/password/i.test(name) && INJECTIONS.indexOf(payload) % PASSWORDS_TRY_EVERY > 0) return [];
  const address = `"${payload}"@${randomUUID()}.example.com`;
  const fitting = format === 'email' ? address : PAD + payload;
  const texts = costly ? [fitting] : [payload, fitting];
  return type === 'array' ? texts.map((text) => [text]) : texts;
}

/** Somebody whom the route serves, and what of his it is tried on. What is his may be used up. */
async function targetOf({ callers, rateLimit, path, inputs, key }: Route) {
  const isAdmin = callers !== 'anybody' && !callers.includes('user');
  // An account has few factors.
  const isUsedUp = rateLimit === 'credentials' || path.includes('/factors/');
  const person = isUsedUp ? await createPerson('user') : oneOf(isAdmin ? admins : crowd);
  const isVersioned = path.includes(':id') && !isAdmin && inputs.body;
  const { id } = isVersioned ? await createResource(person) : bystander;
  const client = app.client().withToken(person.tokens.accessToken);
  const { factorId = '' } = await setFactor(app, key, person);
  return { person, client, values: { id, userId: bystander.id, factorId } };
}

/** Each place of a route that takes a text, with the payload in it and all the rest legal. */
async function shotsOf(route: Route, payload: string): Promise<Shot[]> {
  const shots: Shot[] = [];
  for (const field of route.fields)
    for (const value of valuesOf(field, payload, route.rateLimit === 'credentials')) {
      const { place, name } = field;
      const { person, client, values } = await targetOf(route);
      const at = { path: {}, query: {}, body: {}, [place]: { [name]: value } };
      const path = fillPath(route, { ...values, ...at.path });
      const query = new URLSearchParams(at.query).toString();
      const legal = await legalBody(app, route, person);
      const body = legal && { ...legal, ...at.body };
      const send = () => shoot(client, route.method, `${path}?${query}`, body, legalHeaders(route));
      shots.push({ at: nameOf(route, field), name, send });
    }
  return shots;
}

const nameOf = ({ key }: Route, { place, name }: Field) => `${key} ${place} ${name}`;
/** What only a service says, having looked for the text that it was given. */
const JUDGED = new Set([
  'invalid_credentials',
  'wrong_password',
  'invalid_refresh_token',
  'invalid_link',
  'invalid_challenge',
  'wrong_code',
  'invalid_cursor',
]);
const isOpen = ({ schema: { enum: choices, format, pattern, type } }: Field) =>
  !choices && !pattern && format !== 'uuid' && type !== 'integer';

describe('every text that a client can send', () => {
  it.each(INJECTIONS)('is data: %s', async (payload) => {
    const shots = (await Promise.all(routes.map((route) => shotsOf(route, payload)))).flat();
    expect(shots.length).toBeGreaterThan(40);
    const before = await traces();
    const answers = await Promise.all(
      shots.map(async ({ at, name, send }) => ({ at, name, answer: await send() })),
    );
    const broken = answers.filter(({ answer: { status } }) => status >= 500 || status === 429);
    expect(broken.map(({ at, answer }) => [at, answer.text])).toEqual([]);
    const told = answers.filter(
      ({ answer }) => answer.status >= 400 && answer.text.match(/SQL|pg_/),
    );
    expect(told.map(({ answer }) => answer.text)).toEqual([]);
    expect(await traces()).toEqual(before);
    for (const { at, name, answer } of answers) {
      const stopped = answer.body.code === 'validation_failed' ? answer.body.errors : undefined;
      // Stopped by another field, the payload would have been tried on nothing.
      expect([at, stopped?.filter((error) => error.at !== `/${name}`) ?? []]).toEqual([at, []]);
      if (answer.status < 400 || JUDGED.has(answer.body.code ?? '')) reached.add(at);
    }
  });

  it('has come to the services, but where only ids, numbers, bytes and choices do', () => {
    const open = routes.flatMap((route) =>
      route.fields.filter(isOpen).map((field) => nameOf(route, field)),
    );
    expect(open.length).toBeGreaterThan(20);
    expect([...reached].toSorted()).toEqual(open.toSorted());
  });

  it('has come to PostgreSQL as a value, and never as part of a statement', () => {
    const statements = [...recorder.statements.values()];
    expect(statements.filter(({ text }) => text.includes(PAD.trim()))).toEqual([]);
    for (const payload of INJECTIONS)
      expect([payload, recorder.bound.has(payload)]).toEqual([payload, true]);
  });

  it('is stored as it came', async () => {
    for (const title of INJECTIONS) {
      const { status, body } = await next().post('/v1/resources', { title, content: title });
      expect([status, body['title'], body['content']]).toEqual([201, title, title]);
    }
  });

  it('is data in headers too', async () => {
    const { id } = await createResource(crowd[0] as Person);
    for (const payload of INJECTIONS.filter((text) => /^[\x20-\x7e]+$/.test(text))) {
      const headers = { 'if-match': payload, 'idempotency-key': payload, traceparent: payload };
      const answers = await Promise.all([
        next().patch(`/v1/resources/${id}`, { title: 'x' }, headers),
        next().post('/v1/resources', { title: 'x', content: '' }, headers),
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
