import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MOST_FAILURES } from '../src/auth/login-failures.service.js';
import { PROBLEMS, type ProblemCode } from '../src/http/problem.js';
import { refresh, tryLogin } from './support/auth.js';
import {
  createAdministrator,
  createResource,
  newEmail,
  newPassword,
  signUp,
} from './support/factories.js';
import type { Person, ResourceBody } from './support/factories.js';
import { Authenticator } from './support/authenticator.js';
import { inventoryOf, type Route } from './support/inventory.js';
import { signInWith } from './support/passkeys.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { exchange } from './support/raw-http.js';
import { addTotp, ageSession, challengeFor, prove, wrongCode } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { until } from './support/waiting.js';

interface AnyAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** More than may wait for a password to be hashed, by far. */
const CROWD = 160;
const LOGIN = 'POST /v1/auth/login';
const SECOND = 'POST /v1/auth/second-factor';
const ENROL = 'POST /v1/users/me/factors/totp';
const REGISTER = 'POST /v1/auth/register';
const CREATE = 'POST /v1/resources';
const CHANGE = 'PATCH /v1/resources/:id';
const LIST = 'GET /v1/resources';

let database: TestDatabase;
let proxy: PostgresProxy;
let app: TestApp;
let routes: Route[];
let ada: Person;
let resource: ResourceBody;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.before(database.urls.app);
  app = await startApp({ database, env: { DATABASE_URL: proxy.url } });
  routes = inventoryOf(app);
  ada = await signUp(app);
  resource = await createResource(ada);
});
afterAll(async () => {
  await app.close();
  await proxy.close();
  await database.drop();
});

const post = (path: string, body: unknown, headers?: Record<string, string>) =>
  app.client().post(path, body, headers);
const logIn = (body: unknown, headers?: Record<string, string>) =>
  post('/v1/auth/login', body, headers);
const create = (title: string, key: string) =>
  ada.client.post<ResourceBody>(
    '/v1/resources',
    { title, content: '' },
    { 'idempotency-key': key },
  );
const change = (headers: Record<string, string>) =>
  ada.client.patch(`/v1/resources/${resource.id}`, { title: 'x' }, headers);
const raw = async (request: string, waitMs?: number) =>
  (await exchange(app.url, request, { ...(waitMs && { waitMs }) })).answers[0] as AnyAnswer;

/** Undoes what the surroundings need, whatever comes of it. */
async function during<T>(broken: () => unknown, work: () => Promise<T>, mend: () => unknown) {
  await broken();
  try {
    return await work();
  } finally {
    await mend();
  }
}

const names = (count: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`name-${n}`, {}])));

/**
 * How each code is really provoked, and by which operation's documentation a client can know: null
 * where the answer precedes every operation.
 */
const PROVOCATIONS = {
  malformed_json: [LOGIN, () => logIn('{')],
  duplicate_key: [LOGIN, () => logIn('{"email":"a","email":"b"}')],
  forbidden_key: [LOGIN, () => logIn('{"__proto__":{}}')],
  forbidden_character: [LOGIN, () => logIn({ email: '\0' })],
  too_deep: [LOGIN, () => logIn('['.repeat(30) + ']'.repeat(30))],
  too_many_names: [LOGIN, () => logIn(names(1_001))],
  malformed_url: [LIST, () => ada.client.get('/v1/resources?label=%ff')],
  malformed_request: [null, () => raw('GET /v1/health /live HTTP/1.1\r\nHost: api\r\n\r\n')],
  validation_failed: [LOGIN, () => logIn({})],
  invalid_cursor: [LIST, () => ada.client.get('/v1/resources?cursor=x')],
  invalid_if_match: [CHANGE, () => change({ 'if-match': '*' })],
  invalid_idempotency_key: [CREATE, () => create('x', 'not a key')],
  weak_password: [
    REGISTER,
    () => post('/v1/auth/register', { email: newEmail(), password: 'short' }),
  ],
  wrong_password: [
    'DELETE /v1/users/me',
    () => ada.client.delete('/v1/users/me', { currentPassword: 'wrong' }),
  ],
  authentication_required: [LIST, () => app.client().get('/v1/resources')],
  invalid_token: [LIST, () => app.client().withToken('x').get('/v1/resources')],
  invalid_credentials: [LOGIN, () => tryLogin(app.client(), ada.email, 'wrong')],
  invalid_refresh_token: ['POST /v1/auth/refresh', () => refresh(app.client(), 'x')],
  ambiguous_token: [
    'POST /v1/auth/refresh',
    () => post('/v1/auth/refresh', { refreshToken: 'x' }, { cookie: '__Host-refresh_token=x' }),
  ],
  tls_required: [null, askInClear],
  cross_site_request: [
    'POST /v1/auth/refresh',
    () => post('/v1/auth/refresh', {}, { cookie: '__Host-refresh_token=x' }),
  ],
  token_reused: [
    'POST /v1/auth/refresh',
    async () => {
      const { refreshToken } = (await signUp(app)).tokens;
      await refresh(app.client(), refreshToken);
      return refresh(app.client(), refreshToken);
    },
  ],
  address_not_verified: [
    LOGIN,
    async () => {
      const credentials = { email: newEmail(), password: newPassword() };
      await post('/v1/auth/register', credentials);
      return logIn(credentials);
    },
  ],
  account_leaving: [
    LOGIN,
    async () => {
      const { client, email, password } = await signUp(app);
      await client.delete('/v1/users/me', { currentPassword: password });
      return logIn({ email, password });
    },
  ],
  forbidden: ['GET /v1/users', () => ada.client.get('/v1/users')],
  not_found: [
    'GET /v1/resources/:id',
    () => ada.client.get(`/v1/resources/${crypto.randomUUID()}`),
  ],
  method_not_allowed: [null, () => ada.client.delete('/v1/resources')],
  request_timeout: [null, () => requestTimeout()],
  last_administrator: [
    'POST /v1/users/:id/disable',
    async () => {
      const { client, id } = await createAdministrator(app);
      return client.post(`/v1/users/${id}/disable`);
    },
  ],
  export_exists: [
    'POST /v1/users/me/exports',
    async () => {
      const { client, password } = await signUp(app);
      await client.post('/v1/users/me/exports', { currentPassword: password });
      return client.post('/v1/users/me/exports', { currentPassword: password });
    },
  ],
  idempotency_key_spent: [
    CREATE,
    async () => {
      const { body } = await create('x', 'spent');
      await ada.client.delete(`/v1/resources/${body.id}`);
      return create('x', 'spent');
    },
  ],
  version_mismatch: [CHANGE, () => change({ 'if-match': '"77"' })],
  body_too_large: [LOGIN, () => logIn({ email: 'a'.repeat(110_000) })],
  url_too_long: [LIST, () => ada.client.get(`/v1/resources?label=${'a'.repeat(5_000)}`)],
  unsupported_media_type: [LOGIN, () => logIn('{}', { 'content-type': 'text/plain' })],
  idempotency_key_reused: [CREATE, () => create('x', 'k').then(() => create('y', 'k'))],
  if_match_required: [CHANGE, () => change({})],
  rate_limited: [LOGIN, () => hammer()],
  too_many_failures: [LOGIN, () => failTooOften()],
  headers_too_large: [LIST, () => ada.client.get('/v1/resources', { 'x-a': 'a'.repeat(17_000) })],
  internal_error: [
    'GET /v1/resources/:id/shares',
    () =>
      during(
        () => database.query('ALTER TABLE resource_shares RENAME TO elsewhere'),
        () => ada.client.get(`/v1/resources/${resource.id}/shares`),
        () => database.query('ALTER TABLE elsewhere RENAME TO resource_shares'),
      ),
  ],
  overloaded: [REGISTER, () => overload()],
  invalid_link: [
    'POST /v1/auth/reset-password',
    () => post('/v1/auth/reset-password', { token: 'of nobody', newPassword: newPassword() }),
  ],
  database_unavailable: [
    LIST,
    () =>
      during(
        () => proxy.refuse(),
        () => ada.client.get('/v1/resources'),
        () => recover(),
      ),
  ],
  wrong_code: [
    SECOND,
    async () => {
      const person = await signUp(app);
      const { secret } = await addTotp(app, person);
      return prove(app.client(), await challengeFor(app, person), wrongCode(secret));
    },
  ],
  second_factor_required: [
    LOGIN,
    async () => {
      const person = await signUp(app);
      await addTotp(app, person);
      return tryLogin(app.client(), person.email, person.password);
    },
  ],
  invalid_passkey: ['POST /v1/auth/passkey', () => signInWith(app, new Authenticator())],
  invalid_challenge: [SECOND, () => prove(app.client(), 'of nobody', '000000')],
  insufficient_user_authentication: [
    ENROL,
    async () => {
      const { client } = await ageSession(app, await signUp(app), 3_600);
      return client.post('/v1/users/me/factors/totp', { name: 'Phone' });
    },
  ],
  second_factor_required_for_role: ['GET /v1/users', () => administerStrictly()],
  too_many_factors: [
    ENROL,
    async () => {
      const person = await signUp(app);
      for (let factors = 0; factors < 5; factors += 1) await addTotp(app, person);
      return person.client.post('/v1/users/me/factors/totp', { name: 'Phone' });
    },
  ],
  no_second_factor: [
    'POST /v1/users/me/recovery-codes',
    () => ada.client.post('/v1/users/me/recovery-codes'),
  ],
  password_needs_second_factor: [
    'DELETE /v1/users/me/factors/:factorId',
    async () => {
      const { client, password, ...person } = await signUp(app);
      const { id } = await addTotp(app, { ...person, client, password });
      const shorter = { currentPassword: password, newPassword: 'Quilt4Mox' };
      await client.put('/v1/users/me/password', shorter);
      return client.delete(`/v1/users/me/factors/${id}`);
    },
  ],
  not_ready: [
    'GET /v1/health/ready',
    () =>
      during(
        () => database.query(`UPDATE migrations SET name = name || '-'`),
        () => app.client().get('/v1/health/ready'),
        () => database.query(`UPDATE migrations SET name = rtrim(name, '-')`),
      ),
  ],
} satisfies Record<ProblemCode, readonly [string | null, () => Promise<AnyAnswer>]>;

async function failTooOften(): Promise<AnyAnswer> {
  const [client, email] = [app.client(), newEmail()];
  await tryLogin(client, email, 'wrong');
  await database.query(`UPDATE login_failures SET failures = ${MOST_FAILURES}`);
  const answer = await tryLogin(client, email, 'wrong');
  await database.query('DELETE FROM login_failures');
  return answer;
}

/** Ten seconds, were it not for this: how long it is as shipped is a fact of http-socket.test.ts. */
function requestTimeout(): Promise<AnyAnswer> {
  const server = app.app.getHttpServer();
  const { headersTimeout } = server;
  return during(
    () => (server.headersTimeout = 200),
    () => raw('GET /v1/health/live HTTP/1.1\r\nHost: api\r\n', 5_000),
    () => (server.headersTimeout = headersTimeout),
  );
}

async function administerStrictly(): Promise<AnyAnswer> {
  const strict = await startApp({ env: { ADMIN_SECOND_FACTOR: 'required' } });
  try {
    return await (await createAdministrator(strict)).client.get('/v1/users');
  } finally {
    await strict.close();
  }
}

async function hammer(): Promise<AnyAnswer> {
  const client = app.client();
  let answer: AnyAnswer;
  do answer = await client.post('/v1/auth/login', {});
  while (answer.status === 400);
  return answer;
}

/** Where the address that clients know says https, and a proxy of ours says that it was not used. */
async function askInClear(): Promise<AnyAnswer> {
  const deployed = await startApp({ database, env: { PUBLIC_URL: 'https://api.example.com' } });
  const answer = await deployed
    .client()
    .post('/v1/auth/login', {}, { 'x-forwarded-proto': 'http' });
  await deployed.app.close();
  return answer;
}

async function overload(): Promise<AnyAnswer> {
  const { password } = ada;
  const answers = await Promise.all(
    Array.from({ length: CROWD }, () => post('/v1/auth/register', { email: newEmail(), password })),
  );
  return answers.find(({ body }) => body['code'] === 'overloaded') as AnyAnswer;
}

async function recover(): Promise<void> {
  proxy.restore();
  await until(
    async () => (await app.client().get('/v1/health/ready')).status === 200,
    'the app is ready again',
    10_000,
  );
}

const codes = Object.keys(PROBLEMS) as ProblemCode[];
const table = readFileSync(join(import.meta.dirname, '../docs/problems.md'), 'utf8');

describe.each(codes)('%s', (code) => {
  const [status, title] = PROBLEMS[code];

  it('is raised over HTTP, with its status and sentence', async () => {
    const [, provoke] = PROVOCATIONS[code];
    const answer = await provoke();
    const {
      errors: _errors,
      challenge: _challenge,
      ...body
    } = JSON.parse(answer.text) as Record<string, unknown>;
    const type = `urn:bulwark:problem:${code}`;
    const requestId = answer.headers.get('x-request-id');
    expect([answer.status, body]).toEqual([status, { type, title, status, code, requestId }]);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('is documented where it is raised', () => {
    const [key] = PROVOCATIONS[code];
    expect(table).toMatch(new RegExp(`^\\| \`${code}\` +\\| ${status} .*\\| ${title}`, 'm'));
    const inOperation = ({ operation }: Route) =>
      operation.responses[status]?.content?.['application/problem+json']?.examples?.[code];
    const documented = routes.filter(inOperation).map((route) => route.key);
    if (key === null) expect(documented).toEqual([]);
    else expect(documented).toContain(key);
  });
});
