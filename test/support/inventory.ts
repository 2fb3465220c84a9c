import { openApiOf } from '../../src/app.setup.js';
import { PUBLIC, ROLES_ALLOWED } from '../../src/access/access.decorators.js';
import type { Role } from '../../src/access/actor.js';
import { declaredRoutes, type DeclaredRoute } from '../../src/http/declared-routes.js';
import { SignUpRequestsService } from '../../src/auth/sign-up-requests.service.js';
import { DeparturesService, GRACE_DAYS } from '../../src/auth/departures.service.js';
import { EmailLinksService } from '../../src/auth/email-links.service.js';
import { InvitationsService } from '../../src/auth/invitations.service.js';
import { MailLinksService, type Purpose } from '../../src/auth/mail-links.service.js';
import { acrossOwners } from '../../src/database/acting.js';
import { fieldsOf } from '../../src/http/fields.js';
import { UsersService } from '../../src/users/users.service.js';
import { decodeJwt } from 'jose';
import { DataSource } from 'typeorm';
import { newEmail, type Person } from './factories.js';
import { mailedToken } from './mailed-links.js';
import type { TestApp } from './test-app.js';
import type { TestDatabase } from './test-database.js';
import { passkeyBody } from './passkeys.js';
import { answerFor } from './second-factors.js';
import { untilRecovered } from './waiting.js';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: string[];
  example?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
}
interface Content {
  schema: Schema;
  examples?: Record<string, unknown>;
}
export interface Operation {
  operationId: string;
  security: object[];
  parameters?: { in: string; name: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { content?: Record<string, Content> }>;
}
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** One thing that a client may send to a route, and what is documented of it. */
export interface Field {
  place: 'path' | 'query' | 'body';
  name: string;
  schema: Schema;
}

/** A route as it is declared, and as it is documented. */
export interface Route extends DeclaredRoute {
  /** `GET /v1/resources/:id` */
  key: string;
  /** Nobody in particular, or one of these. */
  callers: 'anybody' | Role[];
  operation: Operation;
  fields: Field[];
}

/** Every route of the app: what a test walks so that nobody has to remember it. */
export function inventoryOf({ app }: Pick<TestApp, 'app'>): Route[] {
  const document = openApiOf(app) as unknown as Document;
  return declaredRoutes(app).map((route) => {
    const { method, path, handler } = route;
    const operation = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    if (!operation) throw new Error(`${method} ${path} is not in the OpenAPI document`);
    const roles = Reflect.getMetadata(ROLES_ALLOWED, handler) as Role[] | undefined;
    return {
      ...route,
      key: `${method} ${path}`,
      callers: Reflect.hasMetadata(PUBLIC, handler) ? 'anybody' : (roles ?? []),
      operation,
      fields: fieldsOfRoute(route, operation, document),
    };
  });
}

function fieldsOfRoute({ inputs }: DeclaredRoute, operation: Operation, document: Document) {
  const { params, query, body } = inputs;
  const ofBody = document.components.schemas[body?.dto?.name ?? '']?.properties;
  const documented = (place: Field['place'], name: string) =>
    place === 'body'
      ? ofBody?.[name]
      : operation.parameters?.find((one) => one.in === place && one.name === name)?.schema;
  return Object.entries({ path: params, query, body } as const).flatMap(([place, input]) =>
    [...fieldsOf(input?.dto ?? Object).keys()].map((name): Field => {
      const schema = documented(place as Field['place'], name) ?? {};
      return { place: place as Field['place'], name, schema };
    }),
  );
}

/** A body that the route takes from this person: the documented examples, and his own secrets. */
export async function legalBody(app: TestApp, { inputs, fields, key }: Route, person: Person) {
  if (!inputs.body) return undefined;
  const ofPasskey = await passkeyBody(app, key, person);
  if (ofPasskey) return ofPasskey;
  const { email, password, tokens } = person;
  const { refreshToken } = tokens;
  const ofBody = fields.filter(({ place }) => place === 'body');
  const asksFor = (field: string) => ofBody.some(({ name }) => name === field);
  const token = asksFor('token') ? await (TOKENS[key] ?? tokenOfNobody)(app.app, person) : '';
  const answer = asksFor('challenge') ? await answerFor(app, person) : {};
  const own = { email, password, currentPassword: password, refreshToken, token, ...answer };
  return Object.fromEntries(
    ofBody.map(({ name, schema }): [string, unknown] => {
      const value = own[name as keyof typeof own] ?? schema.example;
      if (value === undefined) throw new Error(`${key}: ${name} has no example to send`);
      return [name, value];
    }),
  );
}

/** How each route that takes a link's token gets one that it takes. */
const TOKENS: Record<string, (app: TestApp['app'], person: Person) => Promise<string>> = {
  'POST /v1/auth/reset-password': (app, { email }) => linkToken(app, email),
  'POST /v1/auth/verify-address': (app, { password }) => signUpToken(app, password),
  'POST /v1/auth/confirm-email-change': (app, person) => changeToken(app, person.id),
  'POST /v1/auth/cancel-deletion': (app, person) => cancelToken(app, person),
  'POST /v1/auth/download-export': (app, person) => exportToken(app, person),
  'POST /v1/auth/accept-invitation': (app) => invitationToken(app),
  'POST /v1/auth/undo-email-change': (app, { id, email }) => undoToken(app, id, email),
};
const tokenOfNobody = () => Promise.reject(new Error('which link does this route take?'));

/** What stands behind the "#" of the mail to somebody who signs up with this password. */
async function signUpToken(app: TestApp['app'], password: string): Promise<string> {
  const email = newEmail();
  await acrossOwners(() => app.get(SignUpRequestsService).add({ email, password }));
  const dataSource = app.get(DataSource);
  return mailedToken({ query: (text, values) => dataSource.query(text, values) }, email);
}

const tokenOf = (link: string | undefined) => link?.split('#')[1] ?? '';

const changeToken = async (app: TestApp['app'], userId: string) => {
  const { manager } = app.get(DataSource);
  const proof = { authenticatedAt: 0, twoFactor: false, byPasskey: false };
  const actor = { userId, sessionId: '', role: 'user', ...proof } as const;
  const links = app.get(EmailLinksService);
  return tokenOf(await acrossOwners(() => links.createChange(manager, actor, newEmail())));
};

const invitationToken = async (app: TestApp['app']) => {
  const { manager } = app.get(DataSource);
  return tokenOf(await acrossOwners(() => app.get(InvitationsService).create(manager, newEmail())));
};

const undoToken = async (app: TestApp['app'], id: string, toEmail: string) => {
  const { manager } = app.get(DataSource);
  const move = { id, fromEmail: newEmail(), toEmail };
  return tokenOf(await acrossOwners(() => app.get(EmailLinksService).createUndo(manager, move)));
};

/** For somebody who has asked for the end of the account. */
const cancelToken = async (app: TestApp['app'], { id: userId, tokens }: Person) => {
  const { sid: sessionId } = decodeJwt<{ sid: string }>(tokens.accessToken);
  const proof = { authenticatedAt: 0, twoFactor: false, byPasskey: false };
  const actor = { userId, sessionId, role: 'user', ...proof } as const;
  let link: string | undefined;
  const leave = () =>
    app.get(UsersService).leave(actor, GRACE_DAYS, async (tx) => {
      link = await app.get(DeparturesService).createLink(tx, actor);
    });
  await acrossOwners(leave);
  return tokenOf(link);
};

/** For somebody whose copy is ready; there is nothing in it. */
const exportToken = async (app: TestApp['app'], { id, email }: Person) => {
  await acrossOwners(() =>
    app.get(DataSource).query(
      `INSERT INTO exports (user_id, ready_at, expires_at)
       VALUES ($1, now(), now() + interval '1 hour') ON CONFLICT DO NOTHING`,
      [id],
    ),
  );
  return linkToken(app, email, 'download_export');
};

/** What stands behind the "#" of a link that was mailed. */
export async function linkToken(
  app: TestApp['app'],
  email: string,
  purpose: Purpose = 'reset_password',
): Promise<string> {
  const link = await acrossOwners(() =>
    app.get(DataSource).transaction((tx) => app.get(MailLinksService).create(tx, purpose, email)),
  );
  return tokenOf(link);
}

/** The headers without which the route refuses, as they are documented. */
export const legalHeaders = ({ operation }: Route): Record<string, string> =>
  Object.fromEntries(
    (operation.parameters ?? [])
      .filter((parameter) => parameter.in === 'header' && parameter.required)
      .map(({ name, schema }) => [name.toLowerCase(), String(schema.example)]),
  );

/** The path with these values in it. A parameter that nobody thought of is an error. */
export const fillPath = ({ key, path }: Route, values: Record<string, string>): string =>
  path.replaceAll(/:(\w+)/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${key}: what does :${name} name?`);
    return encodeURIComponent(value);
  });

/** One line that differs as soon as one row of any table does. */
export async function fingerprint(database: TestDatabase): Promise<string> {
  const { query } = database;
  await untilRecovered(database);
  const tables = await query<{ name: string }>(
    // A refusal is an event, too: the log grows whatever else stays as it is.
    `SELECT quote_ident(tablename) AS name FROM pg_tables
     WHERE schemaname = 'public' AND tablename NOT LIKE 'audit\\_%' ORDER BY 1`,
  );
  const sums = tables.map(
    ({ name }) => `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${name} t)`,
  );
  const [row] = await query<{ sum: string }>(`SELECT concat_ws(' ', ${sums.join(', ')}) AS sum`);
  return row?.sum ?? '';
}
