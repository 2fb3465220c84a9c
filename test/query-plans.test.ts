import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { declaredRoutes } from '../src/http/declared-routes.js';
import { sealed } from './support/audit.js';
import { fillDatabase } from './support/crowd.js';
import {
  createAdministrator,
  createResource,
  login,
  newEmail,
  newPassword,
  share,
  signUp,
  type Person,
} from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { passkeyBody } from './support/passkeys.js';
import { challengeFor, totpCode } from './support/second-factors.js';
import { recordStatements, type Statement } from './support/statements.js';
import { startApp, type TestApp } from './support/test-app.js';
import { untilRecovered } from './support/waiting.js';

/** The tables that grow with use: reading one of them whole gets slower every day. */
const GROWING = new Set([
  'users',
  'sessions',
  'refresh_tokens',
  'session_revocations',
  'throttles',
  'login_failures',
  'resources',
  'resource_shares',
  'idempotency_keys',
  'mail_links',
  'sign_ups',
  'invitations',
  'factors',
  'totp_secrets',
  'recovery_codes',
  'second_factor_challenges',
  'passkeys',
  'passkey_challenges',
  'exports',
  'export_parts',
  'audit_events',
  'audit_chain',
]);

let app: TestApp;
let ada: Person;
let bob: Person;
let admin: Person;
let statements: Statement[];
const visited = new Set<string>();

interface Visit {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Calls a route, named as it is declared, and answers what it answered. */
async function visit({ client }: Pick<Person, 'client'>, route: string, options: Visit = {}) {
  const { params = {}, query = '', body, headers } = options;
  const [method = '', template = ''] = route.split(' ');
  const path = template.replaceAll(/:(\w+)/g, (_whole, name: string) => params[name] ?? '');
  const answer = await client.send<Record<string, string>>(method, path + query, body, headers);
  if (answer.status >= 500) throw new Error(`${route} answered ${answer.status}: ${answer.text}`);
  visited.add(route);
  return answer;
}

/** A first page and the next one: they are two statements. */
async function visitList(
  person: Pick<Person, 'client'>,
  route: string,
  params = {},
  query = 'limit=1',
) {
  const { body } = await visit(person, route, { params, query: `?${query}` });
  const cursor = body['nextCursor'];
  if (!cursor) throw new Error(`${route}?${query} has no next page`);
  await visit(person, route, { params, query: `?${query}&cursor=${cursor}` });
}

async function visitResources(): Promise<void> {
  const headers = { 'idempotency-key': 'once' };
  const body = { title: 'Title', content: 'Content' };
  const created = await visit(ada, 'POST /v1/resources', { body, headers });
  await visit(ada, 'POST /v1/resources', { body, headers });
  await visit(ada, 'POST /v1/resources', { body });
  for (const sort of ['createdAt', 'updatedAt', 'title'])
    for (const direction of ['', '-'])
      for (const filter of ['', '&label=report', '&title=eport', '&label=report&title=eport'])
        await visitList(ada, 'GET /v1/resources', {}, `limit=1&sort=${direction}${sort}${filter}`);
  for (const sort of ['sharedAt', '-sharedAt'])
    await visitList(bob, 'GET /v1/resources/shared-with-me', {}, `limit=1&sort=${sort}`);
  const params = { id: created.body['id'] ?? '' };
  const stale = { 'if-match': '"9"' };
  const fresh = { 'if-match': '"1"' };
  await visit(ada, 'GET /v1/resources/:id', { params });
  const changes = { title: 'Other' };
  for (const person of [bob, ada])
    for (const given of [stale, fresh]) {
      await visit(person, 'PATCH /v1/resources/:id', { params, body: changes, headers: given });
      await visit(person, 'DELETE /v1/resources/:id', { params, headers: given });
    }
  await visit(ada, 'DELETE /v1/resources/:id', { params });
}

async function visitShares(): Promise<void> {
  const { id } = await createResource(ada);
  const route = '/v1/resources/:id/shares';
  const body = { permission: 'read' };
  for (const { id: userId } of [bob, admin])
    await visit(ada, `PUT ${route}/:userId`, { params: { id, userId }, body });
  await visit(bob, `PUT ${route}/:userId`, { params: { id, userId: admin.id }, body });
  await visitList(ada, `GET ${route}`, { id });
  await visit(bob, `GET ${route}`, { params: { id } });
  await visit(bob, `DELETE ${route}/:userId`, { params: { id, userId: bob.id } });
}

async function visitUsers(): Promise<void> {
  await visit(ada, 'GET /v1/users/me');
  await visit(ada, 'PATCH /v1/users/me', { body: { displayName: 'Ada' } });
  await visitList(admin, 'GET /v1/users');
  await visit(admin, 'GET /v1/users', { query: `?email=${ada.email}` });
  const params = { id: bob.id };
  await visit(admin, 'GET /v1/users/:id', { params });
  await visitSessions(params);
  await visit(admin, 'PUT /v1/users/:id/role', { params, body: { role: 'admin' } });
  await visit(admin, 'POST /v1/users/:id/disable', { params });
  await visit(admin, 'POST /v1/users/:id/enable', { params });
}

async function visitSessions(params: Record<string, string>): Promise<void> {
  for (let more = 0; more < 2; more += 1) await login(app.client(), ada.email, ada.password);
  await visitList(ada, 'GET /v1/users/me/sessions');
  const { body } = await ada.client.get<{ items: { id: string }[] }>('/v1/users/me/sessions');
  const id = body.items[0]?.id ?? '';
  await visit(ada, 'DELETE /v1/users/me/sessions/:id', { params: { id } });
  await visit(admin, 'GET /v1/users/:id/sessions', { params });
  await visit(admin, 'DELETE /v1/users/:id/sessions', { params });
}

async function visitAuth(): Promise<void> {
  const anybody = { client: app.client() };
  const [email, password] = ['new@example.com', 'plum orchid granite ferry'];
  await visit(anybody, 'POST /v1/auth/register', { body: { email, password } });
  const token = await mailedToken(app.database, email);
  await visit(anybody, 'POST /v1/auth/verify-address', { body: { token, password } });
  await visit(anybody, 'POST /v1/auth/login', { body: { email, password } });
  await visit(anybody, 'POST /v1/auth/login', { body: { email, password } });
  for (let tries = 0; tries < 11; tries += 1)
    await visit(anybody, 'POST /v1/auth/login', { body: { email, password: 'wrong' } });
  const { refreshToken } = await login(app.client(), ada.email, ada.password);
  for (let uses = 0; uses < 2; uses += 1)
    await visit(anybody, 'POST /v1/auth/refresh', { body: { refreshToken } });
  const changed = 'walnut harbour lantern quiet';
  const body = { currentPassword: ada.password, newPassword: changed };
  await visit(ada, 'PUT /v1/users/me/password', { body });
  await visit(ada, 'POST /v1/auth/logout');
  const { accessToken } = await login(app.client(), ada.email, changed);
  await visit({ client: ada.client.withToken(accessToken) }, 'POST /v1/auth/logout-everywhere');
  await visit(admin, 'DELETE /v1/users/me', { body: { currentPassword: admin.password } });
  await visit(anybody, 'POST /v1/auth/login', {
    body: { email: admin.email, password: admin.password },
  });
  const link = await mailedToken(app.database, admin.email);
  const cancel = { token: link, newPassword: newPassword() };
  const { status } = await visit(anybody, 'POST /v1/auth/cancel-deletion', { body: cancel });
  expect(status).toBe(204);
}

async function visitEmailChange(): Promise<void> {
  const anybody = { client: app.client() };
  const leaver = await signUp(app);
  const body = { newEmail: newEmail(), currentPassword: leaver.password };
  expect((await visit(leaver, 'POST /v1/users/me/email', { body })).status).toBe(202);
  const token = await mailedToken(app.database, body.newEmail);
  await visit(anybody, 'POST /v1/auth/confirm-email-change', { body: { token } });
  const undo = { token: await mailedToken(app.database, leaver.email), newPassword: newPassword() };
  const { status } = await visit(anybody, 'POST /v1/auth/undo-email-change', { body: undo });
  expect(status).toBe(204);
}

async function visitInvitations(): Promise<void> {
  const body = { email: newEmail() };
  const { client } = await createAdministrator(app);
  expect((await visit({ client }, 'POST /v1/users/invitations', { body })).status).toBe(202);
  const accepted = { token: await mailedToken(app.database, body.email), password: newPassword() };
  const anybody = { client: app.client() };
  await visit(anybody, 'POST /v1/auth/accept-invitation', { body: accepted });
}

async function visitExports(): Promise<void> {
  const [owner, other] = [await signUp(app), await signUp(app)];
  await share(owner, (await createResource(owner)).id, other, 'read');
  const body = { currentPassword: owner.password };
  await visit(owner, 'POST /v1/users/me/exports', { body });
  await visit(owner, 'POST /v1/users/me/exports', { body });
  await untilRecovered(app.database);
  const link = { token: await mailedToken(app.database, owner.email) };
  const { status } = await visit(owner, 'POST /v1/auth/download-export', { body: link });
  expect(status).toBe(200);
}

async function visitRecovery(): Promise<void> {
  const anybody = { client: app.client() };
  await visit(anybody, 'POST /v1/auth/forgot-password', { body: { email: bob.email } });
  await untilRecovered(app.database);
  const token = await linkToken(app.app, bob.email);
  const body = { token, newPassword: newPassword() };
  expect((await visit(anybody, 'POST /v1/auth/reset-password', { body })).status).toBe(204);
}

async function visitFactors(): Promise<void> {
  const person = await signUp(app);
  const me = '/v1/users/me';
  await visit(person, `GET ${me}/factors`);
  const enrolled = await visit(person, `POST ${me}/factors/totp`, { body: { name: 'Phone' } });
  const { id: factorId = '', secret = '' } = enrolled.body;
  const params = { factorId };
  const code = totpCode(secret, -1);
  await visit(person, `POST ${me}/factors/:factorId/confirm`, { params, body: { code } });
  const anybody = { client: app.client() };
  for (const answer of [totpCode(secret), '7K2M-Q9XD-4TBN-C8HV']) {
    const body = { challenge: await challengeFor(app, person), code: answer };
    await visit(anybody, 'POST /v1/auth/second-factor', { body });
  }
  const body = { password: person.password, code: totpCode(secret, 1) };
  await visit(person, 'POST /v1/auth/reauthenticate', { body });
  await visit(person, `POST ${me}/recovery-codes`);
  await visit(person, `DELETE ${me}/factors/:factorId`, { params });
}

async function visitPasskeys(): Promise<void> {
  const anybody = { client: app.client() };
  for (const route of [
    'POST /v1/users/me/factors/passkeys',
    'POST /v1/auth/passkey',
    'POST /v1/auth/second-factor/passkey',
    'POST /v1/auth/reauthenticate/passkey',
  ]) {
    const person = await signUp(app);
    if (!route.includes('second-factor')) await visit(person, `${route}/options`);
    const body = await passkeyBody(app, route, person);
    await visit(/me|reauthenticate/.test(route) ? person : anybody, route, { body });
  }
}

async function visitAudit(): Promise<void> {
  const { client } = await createAdministrator(app);
  const at = new Date(Date.now() + 60_000).toISOString();
  const filters = ['', `&userId=${ada.id}`, `&actorId=${ada.id}`, '&event=authn_login_success'];
  filters.push('&outcome=success', '&ip=10.1.2.3', `&to=${at}&from=2026-01-01T00:00:00Z`);
  for (const filter of filters)
    await visitList({ client }, 'GET /v1/audit-events', {}, `limit=1${filter}`);
  await visitList(ada, 'GET /v1/users/me/security-events');
  await sealed(app);
}

async function visitPublic(): Promise<void> {
  const anybody = { client: app.client() };
  await visit(anybody, 'GET /v1/health/live');
  await visit(anybody, 'GET /v1/health/ready');
  await visit(anybody, 'GET /.well-known/jwks.json');
}

beforeAll(async () => {
  app = await startApp();
  [ada, bob, admin] = [await signUp(app), await signUp(app), await createAdministrator(app)];
  await createAdministrator(app);
  for (const resource of [await createResource(ada), await createResource(ada)])
    await share(ada, resource.id, bob, 'read');
  await fillDatabase(app.database);
  const recorder = recordStatements();
  for (const walk of [
    visitPublic,
    visitAudit,
    visitResources,
    visitShares,
    visitUsers,
    visitAuth,
    visitExports,
    visitRecovery,
    visitEmailChange,
    visitInvitations,
    visitFactors,
    visitPasskeys,
  ])
    await walk();
  recorder.stop();
  statements = [...recorder.statements.values()];
}, 300_000);
afterAll(() => app.close());

/** The partition that grows; those of the months to come are empty. */
const THIS_MONTH = `audit_events_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: Plan[];
}

/** The tables of GROWING that this plan reads from one end to the other. */
function tablesReadWhole(plan: Plan): string[] {
  const relation = plan['Relation Name'] ?? '';
  const table = relation === THIS_MONTH ? 'audit_events' : relation;
  const own = plan['Node Type'] === 'Seq Scan' && GROWING.has(table) ? [table] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(tablesReadWhole)];
}

async function explain(options: string, { text, values }: Statement): Promise<string[]> {
  const rows = await app.database.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `EXPLAIN (${options}, FORMAT JSON) ${text}`,
    values,
  );
  return rows.flatMap((row) => tablesReadWhole(row['QUERY PLAN'][0].Plan));
}

const faults = async (options: string, chosen: Statement[]) => {
  const found: string[] = [];
  for (const statement of chosen)
    for (const table of await explain(options, statement))
      found.push(`${table} is read whole by: ${statement.text}`);
  return found;
};

describe('at 100,000 resources of 1,000 owners', () => {
  it('meets every route, so that none of its statements is missed', () => {
    const declared = declaredRoutes(app.app).map(({ method, path }) => `${method} ${path}`);
    expect([...visited].toSorted()).toEqual([...new Set(declared)].toSorted());
    const texts = statements.map(({ text }) => text).join('\n');
    // A trigger writes the revocations.
    const unmet = [...GROWING].filter((table) => !texts.includes(table));
    expect(unmet).toEqual(['session_revocations']);
  });

  it('reads no table that grows from one end to the other', async () => {
    expect(await faults('COSTS', statements)).toEqual([]);
  });

  it('reads none so in the plan that a prepared statement keeps for all values', async () => {
    const [server] = await app.database.query<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    // PostgreSQL shows the plan without values since version 16.
    const chosen = (server?.version ?? 0) < 160_000 ? [] : statements;
    const generic = chosen.map(({ text }) => ({ text, values: [] }));
    expect(await faults('GENERIC_PLAN', generic)).toEqual([]);
  });

  it('finds the rows that refer to another by an index, whatever deletes that one', async () => {
    const unindexed = await app.database.query(`
      SELECT conrelid::regclass AS "table", conname AS name FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = conrelid AND indpred IS NULL AND indkey[0] = conkey[1])`);
    expect(unindexed).toEqual([]);
  });
});
