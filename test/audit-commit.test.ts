import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { REFUSALS_A_MINUTE } from '../src/audit/security-log.js';
import { Housekeeping } from '../src/database/housekeeping.js';
import { eventsOf } from './support/audit.js';
import type { Answer } from './support/client.js';
import {
  createAdministrator,
  createResource,
  login,
  newEmail,
  newPassword,
  signUp,
  type Person,
} from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { addPasskey, signInWith } from './support/passkeys.js';
import {
  addTotp,
  challengeFor,
  confirmFactor,
  CODES,
  enrolTotp,
  FACTORS,
  prove,
  totpCode,
} from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

let app: TestApp;
let root: Person;
beforeAll(async () => {
  app = await startApp();
  root = await createAdministrator(app);
});
afterAll(() => app.close());

const sql = (text: string, values?: unknown[]) => app.database.query(text, values);
const me = '/v1/users/me';
const auth = (path: string, body: object) => app.client().post(`/v1/auth/${path}`, body);

/** What a change can change. Failures that are counted, and challenges that are tried, are not of it. */
const TABLES = ['users', 'sessions', 'refresh_tokens', 'factors', 'totp_secrets', 'passkeys'];
TABLES.push(
  'recovery_codes',
  'mail_links',
  'invitations',
  'exports',
  'sign_ups',
  'resources',
  'resource_shares',
);
const state = async () => {
  const rows = TABLES.map((table) => sql(`SELECT t::text FROM ${table} t ORDER BY 1`));
  return JSON.stringify(await Promise.all(rows));
};

/** An operator's mistake, or an insider's wish: the app can write no events any more. */
const withoutLog = async <T>(work: () => Promise<T>): Promise<T> => {
  await sql('REVOKE INSERT ON audit_events FROM bulwark_app');
  try {
    return await work();
  } finally {
    await sql('GRANT INSERT ON audit_events TO bulwark_app');
  }
};

const share = ({ client }: Person, id: string, permission: string) =>
  client.put(`/v1/resources/${id}/shares/${root.id}`, { permission });

type Act = () => Promise<Answer<object>>;
/** Makes everything ready, and answers the one call that is to be recorded. */
type Prepare = (ada: Person) => Promise<Act> | Act;

const CHANGES: [what: string, event: string, prepare: Prepare][] = [
  [
    'a sign-in',
    'authn_login_success',
    ({ email, password }) =>
      () =>
        auth('login', { email, password }),
  ],
  [
    'a sign-in with a second factor',
    'authn_login_success',
    async (ada) => {
      const { secret } = await addTotp(app, ada);
      const challenge = await challengeFor(app, ada);
      return () => prove(app.client(), challenge, totpCode(secret));
    },
  ],
  [
    'a sign-in with a recovery code',
    'authn_recovery_code_used',
    async (ada) => {
      const { recoveryCodes } = await addTotp(app, ada);
      const challenge = await challengeFor(app, ada);
      return () => prove(app.client(), challenge, recoveryCodes[0] ?? '');
    },
  ],
  [
    'a sign-in with a passkey',
    'authn_login_success',
    async (ada) => {
      const { authenticator } = await addPasskey(ada);
      return () => signInWith(app, authenticator);
    },
  ],
  [
    'the end of a session by the return of a spent token',
    'authn_token_reuse',
    async ({ tokens: { refreshToken } }) => {
      await auth('refresh', { refreshToken });
      return () => auth('refresh', { refreshToken });
    },
  ],
  [
    'a log-out',
    'authn_token_revoked',
    ({ client }) =>
      () =>
        client.post('/v1/auth/logout'),
  ],
  [
    'a log-out everywhere',
    'authn_token_revoked',
    ({ client }) =>
      () =>
        client.post('/v1/auth/logout-everywhere'),
  ],
  [
    'the end of another session of one’s own',
    'authn_token_revoked',
    async ({ client }) => {
      const { body } = await client.get<{ items: { id: string }[] }>(`${me}/sessions`);
      return () => client.delete(`${me}/sessions/${body.items[0]?.id}`);
    },
  ],
  [
    'the end of sessions by an administrator',
    'authz_admin',
    ({ id }) =>
      () =>
        root.client.delete(`/v1/users/${id}/sessions`),
  ],
  [
    'a new password',
    'authn_password_change',
    ({ client, password }) =>
      () =>
        client.put(`${me}/password`, { currentPassword: password, newPassword: newPassword() }),
  ],
  [
    'a new password by mail',
    'authn_password_change',
    async ({ email }) => {
      const token = await linkToken(app.app, email);
      return () => auth('reset-password', { token, newPassword: newPassword() });
    },
  ],
  [
    'a new factor',
    'authn_factor_added',
    async (ada) => {
      const { id, secret } = await enrolTotp(ada);
      return () => confirmFactor(ada, id, totpCode(secret));
    },
  ],
  [
    'a factor that goes',
    'authn_factor_removed',
    async (ada) => {
      const { id } = await addTotp(app, ada);
      return () => ada.client.delete(`${FACTORS}/${id}`);
    },
  ],
  [
    'new recovery codes',
    'authn_recovery_codes_created',
    async (ada) => {
      await addTotp(app, ada);
      return () => ada.client.post(CODES);
    },
  ],
  [
    'a new role',
    'privilege_permissions_changed',
    ({ id }) =>
      () =>
        root.client.put(`/v1/users/${id}/role`, { role: 'admin' }),
  ],
  [
    'an account that is disabled',
    'authz_admin',
    ({ id }) =>
      () =>
        root.client.post(`/v1/users/${id}/disable`),
  ],
  [
    'an account that is enabled',
    'authz_admin',
    async ({ id }) => {
      await root.client.post(`/v1/users/${id}/disable`);
      return () => root.client.post(`/v1/users/${id}/enable`);
    },
  ],
  [
    'another name',
    'user_updated',
    ({ client }) =>
      () =>
        client.patch(me, { displayName: 'Countess' }),
  ],
  [
    'another address',
    'user_updated',
    async ({ client, password }) => {
      const newAddress = newEmail();
      await client.post(`${me}/email`, { newEmail: newAddress, currentPassword: password });
      const token = await mailedToken(app.database, newAddress);
      return () => auth('confirm-email-change', { token });
    },
  ],
  [
    'the wish to leave',
    'user_updated',
    ({ client, password }) =>
      () =>
        client.delete(me, { currentPassword: password }),
  ],
  [
    'the wish to stay',
    'user_updated',
    async ({ client, email, password }) => {
      await client.delete(me, { currentPassword: password });
      const token = await mailedToken(app.database, email);
      return () => auth('cancel-deletion', { token, newPassword: newPassword() });
    },
  ],
  [
    'the new password of who stays',
    'authn_password_change',
    async ({ client, email, password }) => {
      await client.delete(me, { currentPassword: password });
      const token = await mailedToken(app.database, email);
      return () => auth('cancel-deletion', { token, newPassword: newPassword() });
    },
  ],
  [
    'the new password of who takes an address back',
    'authn_password_change',
    async ({ client, email, password }) => {
      const newAddress = newEmail();
      await client.post(`${me}/email`, { newEmail: newAddress, currentPassword: password });
      await auth('confirm-email-change', { token: await mailedToken(app.database, newAddress) });
      const token = await mailedToken(app.database, email);
      return () => auth('undo-email-change', { token, newPassword: newPassword() });
    },
  ],
  [
    'a copy that is asked for',
    'user_exported',
    ({ client, password }) =>
      () =>
        client.post(`${me}/exports`, { currentPassword: password }),
  ],
  [
    'a copy that is taken',
    'user_exported',
    async ({ client, email, password }) => {
      await client.post(`${me}/exports`, { currentPassword: password });
      const token = await mailedToken(app.database, email);
      return () => client.post('/v1/auth/download-export', { token });
    },
  ],
  [
    'a resource that is deleted',
    'sensitive_delete',
    async (ada) => {
      const { id } = await createResource(ada);
      return () => ada.client.delete(`/v1/resources/${id}`);
    },
  ],
  [
    'a share that is given',
    'privilege_permissions_changed',
    async (ada) => {
      const { id } = await createResource(ada);
      return () => share(ada, id, 'read');
    },
  ],
  [
    'a share that allows more',
    'privilege_permissions_changed',
    async (ada) => {
      const { id } = await createResource(ada);
      await share(ada, id, 'read');
      return () => share(ada, id, 'write');
    },
  ],
  [
    'a share that is taken back',
    'privilege_permissions_changed',
    async (ada) => {
      const { id } = await createResource(ada);
      await share(ada, id, 'read');
      return () => ada.client.delete(`/v1/resources/${id}/shares/${root.id}`);
    },
  ],
  [
    'a share that is given up',
    'privilege_permissions_changed',
    async (ada) => {
      const { id } = await createResource(root);
      await root.client.put(`/v1/resources/${id}/shares/${ada.id}`, { permission: 'read' });
      return () => ada.client.delete(`/v1/resources/${id}/shares/${ada.id}`);
    },
  ],
];

describe('an event that must be recorded', () => {
  it.each(CHANGES)(
    '%s: %s commits with it, or it does not happen',
    async (_what, event, prepare) => {
      const ada = await signUp(app);
      const act = await prepare(ada);
      const [before, count] = [await state(), (await eventsOf(app, event, ada.id)).length];
      const refused = await withoutLog(act);
      expect([refused.status, refused.body]).toEqual([
        500,
        expect.objectContaining({ code: 'internal_error' }),
      ]);
      expect(refused.text).not.toContain('audit');
      expect(await state()).toBe(before);
      expect(await eventsOf(app, event, ada.id)).toHaveLength(count);
    },
  );

  it('names the resource, what became of it, and with whom it was shared', async () => {
    const ada = await signUp(app);
    const { id } = await createResource(ada);
    await share(ada, id, 'write');
    await ada.client.delete(`/v1/resources/${id}/shares/${root.id}`);
    await ada.client.delete(`/v1/resources/${id}`);
    const resource = { actorId: ada.id, objectKind: 'resource', objectId: id, outcome: 'success' };
    expect(await eventsOf(app, 'privilege_permissions_changed', ada.id)).toMatchObject([
      { ...resource, facts: { change: 'share', to: root.id, permission: 'write' } },
      { ...resource, facts: { change: 'unshare', to: root.id } },
    ]);
    expect(await eventsOf(app, 'sensitive_delete', ada.id)).toMatchObject([resource]);
  });

  it('is not there where nothing was done', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const { id } = await createResource(ada);
    const refused = [
      await eve.client.delete(`/v1/resources/${id}`),
      await share(eve, id, 'read'),
      await eve.client.delete(`/v1/resources/${id}/shares/${ada.id}`),
      await ada.client.delete(`/v1/resources/${id}/shares/${eve.id}`),
    ];
    expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    for (const { id: who } of [ada, eve])
      for (const event of ['sensitive_delete', 'privilege_permissions_changed'])
        expect(await eventsOf(app, event, who)).toEqual([]);
  });

  it('an invitation, and an account that comes of it', async () => {
    const body = { email: newEmail() };
    const before = await state();
    const invite = () => root.client.post('/v1/users/invitations', body);
    expect((await withoutLog(invite)).status).toBe(500);
    expect(await state()).toBe(before);
    expect((await invite()).status).toBe(202);
    const token = await mailedToken(app.database, body.email);
    const accept = () => auth('accept-invitation', { token, password: newPassword() });
    const invited = await state();
    expect((await withoutLog(accept)).status).toBe(500);
    expect(await state()).toBe(invited);
    expect((await accept()).status).toBe(204);
  });

  it('a sign-up that is confirmed', async () => {
    const credentials = { email: newEmail(), password: newPassword() };
    await auth('register', credentials);
    const token = await mailedToken(app.database, credentials.email);
    const confirm = () => auth('verify-address', { token, password: credentials.password });
    const before = await state();
    expect((await withoutLog(confirm)).status).toBe(500);
    expect(await state()).toBe(before);
    expect((await confirm()).status).toBe(204);
  });

  it('an account that is erased', async () => {
    const ada = await signUp(app);
    await ada.client.delete(me, { currentPassword: ada.password });
    await sql('UPDATE users SET delete_at = now() WHERE id = $1', [ada.id]);
    const sweep = () => app.app.get(Housekeeping).run();
    const left = () => sql('SELECT FROM users WHERE id = $1', [ada.id]);
    await withoutLog(sweep);
    expect(await left()).toHaveLength(1);
    await sweep();
    expect(await left()).toEqual([]);
    expect(await eventsOf(app, 'user_deleted', ada.id)).toHaveLength(1);
  });
});

describe('a refusal', () => {
  it('is answered as ever when it cannot be recorded: nobody waits for its row', async () => {
    const { email } = await signUp(app);
    const { status } = await withoutLog(() => auth('login', { email, password: 'wrong' }));
    expect(status).toBe(401);
  });

  it('is recorded beside its answer, with who, what, to what, from where, outcome and request', async () => {
    const ada = await signUp(app);
    const { headers } = await ada.client.get('/v1/users');
    await until(async () => (await eventsOf(app, 'authz_fail', ada.id)).length > 0, 'a refusal');
    expect(await eventsOf(app, 'authz_fail', ada.id)).toEqual([
      {
        event: 'authz_fail',
        outcome: 'failure',
        actorId: ada.id,
        userId: ada.id,
        objectKind: null,
        objectId: null,
        ip: ada.client.ip,
        requestId: headers.get('x-request-id'),
        facts: { code: 'forbidden', method: 'GET', route: '/v1/users' },
      },
    ]);
  });

  it('is recorded for an id that is somebody else’s, and for one that is nobody’s', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const { id } = await createResource(ada);
    const nobodys = randomUUID();
    const answers = [
      await eve.client.get(`/v1/resources/${id}`),
      await eve.client.delete(`/v1/resources/${id.toUpperCase()}`),
      await eve.client.get(`/v1/resources/${id}/shares`),
      await eve.client.get(`/v1/resources/${nobodys}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    // Names no object, or nobody: there is nothing to record.
    await eve.client.get('/v1/nowhere');
    await app.client().get(`/v1/resources/${id}`);
    const recorded = () => eventsOf(app, 'authz_fail', eve.id);
    await until(async () => (await recorded()).length >= answers.length, 'refusals');
    expect(await recorded()).toMatchObject(
      [
        { objectId: id, facts: { method: 'GET', route: '/v1/resources/:id' } },
        { objectId: id, facts: { method: 'DELETE', route: '/v1/resources/:id' } },
        { objectId: id, facts: { method: 'GET', route: '/v1/resources/:id/shares' } },
        { objectId: nobodys, facts: { method: 'GET', route: '/v1/resources/:id' } },
      ].map(({ objectId, facts }) => ({
        actorId: eve.id,
        objectKind: 'asked_for',
        objectId,
        facts: { ...facts, code: 'not_found' },
      })),
    );
  });

  it('fills no disk: beyond a number a minute and source there are lines only', async () => {
    const ada = await signUp(app);
    for (let n = 0; n < 100; n += 1) await ada.client.get('/v1/users');
    await login(app.client(), ada.email, ada.password);
    const refusals = (await eventsOf(app, 'authz_fail', ada.id)).length;
    // The budget, and what of it came back meanwhile.
    expect(refusals).toBeGreaterThanOrEqual(REFUSALS_A_MINUTE);
    expect(refusals).toBeLessThan(100);
    const rows = await sql(
      `SELECT DISTINCT event FROM audit_events WHERE event IN ('input_validation_fail',
         'excess_rate_limit_exceeded', 'authn_token_invalid', 'authn_token_created')`,
    );
    expect(rows).toEqual([]);
  });
});
