import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { randomUUID } from 'node:crypto';
import { tellTale } from './support/answers.js';
import { createCast, type Cast } from './support/cast.js';
import type { Answer } from './support/client.js';
import { createResource, share, type Person } from './support/factories.js';
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

/** What the caller is to the object that the address names. */
type Standing = 'own' | 'writer' | 'reader' | 'foreign' | 'missing';
type Verdict = 'yes' | 403 | 404;
interface Rule {
  object: 'none' | 'resource' | 'user' | 'session' | 'factor';
  /** Whom `:userId` names, where there is one. */
  naming: 'guest' | 'oneself' | 'missing';
  verdicts: Partial<Record<Standing, Verdict>>;
}

/** The address names nothing: whoever has the role is served, and sees nothing of strangers. */
const alone: Rule = { object: 'none', naming: 'guest', verdicts: { foreign: 'yes' } };
/** A resource that is not the caller's is not there: no line of the table can say otherwise. */
const resource = (own: Verdict, writer: Verdict, reader: Verdict): Rule => ({
  ...alone,
  object: 'resource',
  verdicts: { own, writer, reader, foreign: 404, missing: 404 },
});
const user = (own: Verdict, foreign: Verdict): Rule => ({
  ...alone,
  object: 'user',
  verdicts: { own, foreign, missing: 404 },
});
/** A session or a factor of somebody else is not there, whoever asks. */
const ofOwner = (object: Rule['object']): Rule => ({
  ...alone,
  object,
  verdicts: { own: 'yes', foreign: 404, missing: 404 },
});

/** Who gets what, once the route's declared roles let him in. A route that is missing here fails. */
const POLICY: Record<string, Rule[]> = {
  'GET /.well-known/jwks.json': [alone],
  'GET /v1/health/live': [alone],
  'GET /v1/health/ready': [alone],
  'POST /v1/auth/register': [alone],
  'POST /v1/auth/verify-address': [alone],
  'POST /v1/auth/accept-invitation': [alone],
  'POST /v1/users/invitations': [alone],
  'POST /v1/auth/confirm-email-change': [alone],
  'POST /v1/auth/undo-email-change': [alone],
  'POST /v1/auth/cancel-deletion': [alone],
  'POST /v1/auth/download-export': [alone],
  'POST /v1/auth/login': [alone],
  'POST /v1/auth/second-factor': [alone],
  'POST /v1/auth/second-factor/passkey': [alone],
  'POST /v1/auth/passkey/options': [alone],
  'POST /v1/auth/passkey': [alone],
  'POST /v1/auth/reauthenticate': [alone],
  'POST /v1/auth/reauthenticate/passkey/options': [alone],
  'POST /v1/auth/reauthenticate/passkey': [alone],
  'POST /v1/auth/refresh': [alone],
  'POST /v1/auth/forgot-password': [alone],
  'POST /v1/auth/reset-password': [alone],
  'POST /v1/auth/logout': [alone],
  'POST /v1/auth/logout-everywhere': [alone],
  'GET /v1/users/me': [alone],
  'PATCH /v1/users/me': [alone],
  'PUT /v1/users/me/password': [alone],
  'POST /v1/users/me/email': [alone],
  'DELETE /v1/users/me': [alone],
  'POST /v1/users/me/exports': [alone],
  'GET /v1/users/me/sessions': [alone],
  'DELETE /v1/users/me/sessions/:id': [ofOwner('session')],
  'GET /v1/users/:id/sessions': [user('yes', 'yes')],
  'DELETE /v1/users/:id/sessions': [user('yes', 'yes')],
  'GET /v1/users/me/factors': [alone],
  'POST /v1/users/me/factors/totp': [alone],
  'POST /v1/users/me/factors/passkeys/options': [alone],
  'POST /v1/users/me/factors/passkeys': [alone],
  'POST /v1/users/me/factors/:factorId/confirm': [ofOwner('factor')],
  'DELETE /v1/users/me/factors/:factorId': [ofOwner('factor')],
  'POST /v1/users/me/recovery-codes': [alone],
  'GET /v1/audit-events': [alone],
  'GET /v1/users/me/security-events': [alone],
  'GET /v1/users': [alone],
  'GET /v1/users/:id': [user('yes', 'yes')],
  'PUT /v1/users/:id/role': [user('yes', 'yes')],
  'POST /v1/users/:id/disable': [user('yes', 'yes')],
  'POST /v1/users/:id/enable': [user('yes', 'yes')],
  'GET /v1/resources': [alone],
  'POST /v1/resources': [alone],
  'GET /v1/resources/shared-with-me': [alone],
  'GET /v1/resources/:id': [resource('yes', 'yes', 'yes')],
  'PATCH /v1/resources/:id': [resource('yes', 'yes', 403)],
  'DELETE /v1/resources/:id': [resource('yes', 403, 403)],
  'GET /v1/resources/:id/shares': [resource('yes', 403, 403)],
  'PUT /v1/resources/:id/shares/:userId': [
    resource('yes', 403, 403),
    { ...resource(404, 404, 404), naming: 'oneself' },
    { ...resource(404, 403, 403), naming: 'missing' },
  ],
  'DELETE /v1/resources/:id/shares/:userId': [
    resource('yes', 404, 404),
    { ...resource(404, 'yes', 'yes'), naming: 'oneself' },
    { ...resource(404, 404, 404), naming: 'missing' },
  ],
};

const CALLERS = ['nobody', 'user', 'admin'] as const;
type Caller = (typeof CALLERS)[number];
const CODES: Record<number, string> = {
  401: 'authentication_required',
  403: 'forbidden',
  404: 'not_found',
};

interface Trial {
  name: string;
  pair: string;
  caller: Caller;
  standing: Standing;
  expected: number;
  answer: Answer;
  head: number;
  changed: boolean;
  /** What of other people this caller must not see, whatever the route. */
  secrets: string[];
}

let app: TestApp;
let createPerson: Cast;
let routes: Route[];

beforeAll(async () => {
  app = await startApp();
  createPerson = await createCast(app);
  routes = inventoryOf(app);
  // So that no administrator of a trial is the last one.
  await createPerson('admin');
});
afterAll(() => app.close());

function statusFor(route: Route, caller: Caller, verdict: Verdict): number {
  const done = route.answer?.status ?? 0;
  if (route.callers === 'anybody') return done;
  if (caller === 'nobody') return 401;
  if (!route.callers.includes(caller)) return 403;
  return verdict === 'yes' ? done : verdict;
}

/** A resource that is to the caller what `standing` says, and that a guest may read, too. */
async function setScene(person: Person, guest: Person, standing: Standing) {
  const owner = standing === 'own' ? person : await createPerson('user');
  const secret = `canary-${randomUUID()}`;
  const { id } = await createResource(owner, { title: secret, content: secret });
  await share(owner, id, guest, 'read');
  if (standing === 'reader') await share(owner, id, person, 'read');
  if (standing === 'writer') await share(owner, id, person, 'write');
  return { owner, secret, id };
}

async function tryOut(
  route: Route,
  caller: Caller,
  { object, naming }: Rule,
  [standing, verdict]: [Standing, Verdict],
): Promise<Trial> {
  // Nobody is somebody who does not say so: what he owns is his, and he gets none of it.
  const [person, guest] = [
    await createPerson(caller === 'admin' ? 'admin' : 'user'),
    await createPerson('user'),
  ];
  const { owner, secret, id } = await setScene(person, guest, standing);
  const client = caller === 'nobody' ? app.client() : person.client;
  const { sid } = decodeJwt<{ sid: string }>(owner.tokens.accessToken);
  const { factorId = '', ...typed } = await setFactor(
    app,
    route.key,
    object === 'factor' ? owner : person,
  );
  const target = { none: id, resource: id, user: owner.id, session: sid, factor: id }[object];
  const path = fillPath(route, {
    id: standing === 'missing' ? randomUUID() : target,
    userId: { guest: guest.id, oneself: person.id, missing: randomUUID() }[naming],
    factorId: standing === 'missing' ? randomUUID() : factorId,
  });
  const headers = legalHeaders(route);
  const legal = await legalBody(app, route, person);
  const body = legal && { ...legal, ...typed };
  const before = await fingerprint(app.database);
  const answer = await client.send(route.method, path, body, headers);
  const head = route.method === 'GET' ? (await client.send('HEAD', path)).status : answer.status;
  const changed = (await fingerprint(app.database)) !== before;
  const maySee = ['own', 'writer', 'reader'].includes(standing) && caller !== 'nobody';
  const strangers = [guest, owner].filter(({ email }) => email !== person.email);
  const emails = caller === 'admin' ? [] : strangers.map(({ email }) => email);
  return {
    name: `${caller}, ${standing}, ${naming}`,
    pair: `${caller}, ${naming}`,
    caller,
    standing,
    expected: statusFor(route, caller, verdict),
    answer: answer as Answer,
    head,
    changed,
    secrets: [...emails, ...(maySee ? [] : [secret])],
  };
}

describe('the policy', () => {
  it('has a line for every route, and no other', () => {
    const keys = routes.map(({ key }) => key);
    const unsaid = keys.filter((key) => !(key in POLICY));
    expect(
      unsaid.map((key) => `${key}: say in POLICY of test/inventory-access.test.ts who gets what`),
    ).toEqual([]);
    expect(Object.keys(POLICY).toSorted()).toEqual(keys.toSorted());
  });

  it('says of every route whose address names an object what one must be to that', () => {
    const named = Object.entries(POLICY).filter(([, rules]) => !rules.includes(alone));
    expect(named.map(([key]) => key)).toEqual(
      Object.keys(POLICY).filter((key) => key.includes(':')),
    );
  });
});

describe('the fingerprint', () => {
  it('differs as soon as one field of one row does', async () => {
    const prints = [await fingerprint(app.database)];
    const { id } = await createPerson('user');
    prints.push(await fingerprint(app.database));
    await app.database.query(`UPDATE users SET display_name = email WHERE id = $1`, [id]);
    prints.push(await fingerprint(app.database));
    expect(new Set(prints).size).toBe(3);
  });
});

describe.each(Object.entries(POLICY))('%s', (key, rules) => {
  const trials: Trial[] = [];
  let route: Route;
  beforeAll(async () => {
    route = routes.find((known) => known.key === key) as Route;
    for (const rule of rules)
      for (const verdict of Object.entries(rule.verdicts) as [Standing, Verdict][])
        for (const caller of CALLERS) trials.push(await tryOut(route, caller, rule, verdict));
  });
  const refused = () => trials.filter(({ answer }) => answer.status >= 400);

  it('gives each caller what the policy says', () => {
    expect(Object.fromEntries(trials.map(({ name, answer }) => [name, answer.status]))).toEqual(
      Object.fromEntries(trials.map(({ name, expected }) => [name, expected])),
    );
    expect(trials.map(({ head }) => head)).toEqual(trials.map(({ answer }) => answer.status));
  });

  it('changes nothing where it refuses, and where it only reads', () => {
    const still = route.method === 'GET' ? trials : refused();
    expect(still.filter(({ changed }) => changed).map(({ name }) => name)).toEqual([]);
  });

  it('says which refusal it is, as it is documented', () => {
    for (const { name, answer } of refused()) {
      const code = answer.body['code'] as string;
      const documented = route.operation.responses[answer.status]?.content;
      expect([name, code]).toEqual([name, CODES[answer.status]]);
      expect(documented?.['application/problem+json']?.examples).toHaveProperty(code);
      const challenge = answer.status === 401 ? 'Bearer realm="bulwark"' : null;
      expect([name, answer.headers.get('www-authenticate')]).toEqual([name, challenge]);
    }
  });

  it('does not let a foreign object be told from a missing one', () => {
    const foreign = refused().filter(({ standing }) => standing === 'foreign');
    const missing = (pair: string) =>
      trials.find((trial) => trial.standing === 'missing' && trial.pair === pair);
    const pairs = foreign.map(({ pair, answer }) => [answer, missing(pair)?.answer ?? answer]);
    expect(pairs.map(([one]) => one && tellTale(one))).toEqual(
      pairs.map(([, other]) => other && tellTale(other)),
    );
  });

  it('tells nobody what is not his', () => {
    const told = trials.filter(({ secrets, answer }) =>
      secrets.some((secret) => answer.text.includes(secret)),
    );
    expect(told.map(({ name }) => name)).toEqual([]);
  });
});
