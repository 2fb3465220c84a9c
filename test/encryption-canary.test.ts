import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Housekeeping } from '../src/database/housekeeping.js';
import { randomUUID, type JsonWebKey } from 'node:crypto';
import { cookieIn, OWN_PAGE } from './support/auth.js';
import { dump, type Dump } from './support/dump.js';
import {
  createAdministrator,
  createResource,
  login,
  newEmail,
  newPassword,
  register,
  signUp,
} from './support/factories.js';
import { jobsOf, linkOf } from './support/jobs.js';
import { mailedToken } from './support/mailed-links.js';
import { mustHoldNothingOverheard } from './support/overheard.js';
import {
  addPasskey,
  creationOptions,
  sendAnswer,
  signInOptions,
  stepUpOptions,
} from './support/passkeys.js';
import { addTotp, challengeFor, prove, totpCode } from './support/second-factors.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';
import { untilMailed } from './support/waiting.js';

let app: TestApp;
/** What nobody may find, and what it is. */
const secrets = new Map<string, string>();
const keep = <T extends string>(what: string, secret: T): T => {
  secrets.set(secret, what);
  return secret;
};

beforeAll(async () => {
  app = await startApp();
  await useEverything();
  await untilMailed(app.database);
}, 120_000);
afterAll(() => app.close());

/** What only the process has. */
function keepConfiguration(): void {
  const env = testEnvironment(app.database.urls.app);
  keep('APP_SECRET', env['APP_SECRET'] ?? '');
  for (const name of ['SIGNING_KEYS', 'ENCRYPTION_KEYS'] as const) {
    const { keys } = JSON.parse(env[name] ?? '') as { keys: JsonWebKey[] };
    for (const { d, k } of keys) keep(`a private key of ${name}`, d ?? k ?? '');
  }
}

async function useEverything(): Promise<void> {
  keepConfiguration();
  const [root, ada] = [await createAdministrator(app), await signUp(app)];
  keep('an address', ada.email);
  keep('a password', ada.password);
  keep('a refresh token', ada.tokens.refreshToken);
  keep('an access token', ada.tokens.accessToken);
  const newcomer = {
    email: newEmail(),
    password: newPassword(),
    displayName: 'Grace Canary Hopper',
  };
  keep('the address of a sign-up', newcomer.email);
  keep('the password of a sign-up', newcomer.password);
  keep('a display name', newcomer.displayName);
  await register(app, newcomer);
  const waiting = { email: newEmail(), password: newPassword(), displayName: 'Edsger Canary' };
  for (const secret of Object.values(waiting)) keep('a sign-up that waits', secret);
  await app.client().post('/v1/auth/register', waiting);
  keep('the token of a sign-up', await mailedToken(app.database, waiting.email));
  await ada.client.patch('/v1/users/me', {
    displayName: keep('a new name', 'Ada Canary Lovelace'),
  });
  const { id } = await createResource(ada, { content: keep('a content', 'canary content 4711') });
  await ada.client.patch(
    `/v1/resources/${id}`,
    { content: keep('a changed content', 'canary content 4712') },
    { 'if-match': '"1"' },
  );
  await ada.client.post(
    '/v1/resources',
    { title: 'once', content: keep('a keyed content', 'canary content 4713') },
    { 'idempotency-key': 'canary-1' },
  );
  await useFactors();
  await useLinks(ada, root);
  await useUndoLinks();
}

async function useFactors(): Promise<void> {
  const bob = await signUp(app);
  const { secret, recoveryCodes } = await addTotp(app, bob, keep('a factor', 'Canary phone'));
  keep('the seed of a factor', secret);
  for (const code of recoveryCodes) keep('a recovery code', code);
  keep('a challenge', await challengeFor(app, bob));
  const code = totpCode(secret, 1);
  const spentChallenge = keep('a spent challenge', await challengeFor(app, bob));
  expect((await prove(app.client(), spentChallenge, code)).status).toBe(200);
  // The whole of a value: six digits alone stand in many a time.
  keep('a code that was used', JSON.stringify(code));
  const carol = await signUp(app);
  const { authenticator } = await addPasskey(carol, keep('a passkey', 'Canary laptop'));
  const spent = await signInOptions(app);
  expect((await sendAnswer(app.client(), authenticator.get(spent))).status).toBe(200);
  keep('a spent challenge of a passkey', spent.challenge);
  for (const options of [signInOptions(app), stepUpOptions(carol), creationOptions(carol)])
    keep('a challenge of a passkey', (await options).challenge);
  const { email, password } = await signUp(app);
  const browser = await app
    .client()
    .post('/v1/auth/login', { email, password, refreshTokenIn: 'cookie' }, OWN_PAGE);
  keep('the cookie of a browser', cookieIn(browser).token);
}

/** The secret of the newest mail of this kind to this address. */
async function mailedLink(email: string, template: string): Promise<string> {
  const jobs = (await jobsOf(app.database, email)).filter(({ data }) => data.template === template);
  const link = jobs.map(linkOf).at(-1)?.split('#')[1];
  if (!link) throw new Error(`no link of ${template} to ${email}`);
  return link;
}

/** Links that take something back, and the one that fetches a copy. */
async function useUndoLinks(): Promise<void> {
  const [dan, eve] = [await signUp(app), await signUp(app)];
  const moved = newEmail();
  await dan.client.post('/v1/users/me/email', { newEmail: moved, currentPassword: dan.password });
  const token = await mailedToken(app.database, moved);
  await app.client().post('/v1/auth/confirm-email-change', { token });
  keep('a spent link', token);
  await eve.client.post('/v1/users/me/exports', { currentPassword: eve.password });
  await untilMailed(app.database);
  keep('the way back to an address', await mailedLink(dan.email, 'emailChanged'));
  keep('the token of a download', await mailedLink(eve.email, 'exportReady'));
  await eve.client.delete('/v1/users/me', { currentPassword: eve.password });
  await untilMailed(app.database);
  keep('the way back to an account', await mailedLink(eve.email, 'accountLeaving'));
}

async function useLinks(
  ada: Awaited<ReturnType<typeof signUp>>,
  root: Awaited<ReturnType<typeof signUp>>,
): Promise<void> {
  const { client, password: currentPassword } = ada;
  const moved = keep('a new address', newEmail());
  await client.post('/v1/users/me/email', { newEmail: moved, currentPassword });
  keep('the token of a change', await mailedToken(app.database, moved));
  await app.client().post('/v1/auth/forgot-password', { email: ada.email });
  keep('the token of a reset', await mailedToken(app.database, ada.email));
  const invited = keep('an invited address', newEmail());
  await root.client.post('/v1/users/invitations', { email: invited });
  keep('the token of an invitation', await mailedToken(app.database, invited));
  await client.post('/v1/users/me/exports', { currentPassword });
  await untilMailed(app.database);
  for (const job of await jobsOf(app.database, ada.email)) {
    const link = linkOf(job);
    if (link) keep('a mailed link', link.split('#')[1] ?? link);
  }
  await login(app.client(), ada.email, ada.password);
  await app.app.get(Housekeeping).run();
}

/** As somebody would look who knows how databases write bytes. */
const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift, 'x'), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  const forms = [secret, secret.toLowerCase(), bytes.toString('hex'), ...base64];
  forms.push(Buffer.from(secret, 'utf16le').toString('hex'), bytes.toString('base64url'));
  return forms.filter((form) => form.length > 5);
};

const foundIn = (tables: Dump): string[] =>
  tables.flatMap(({ table, rows }) => {
    const text = JSON.stringify(rows);
    return [...secrets]
      .filter(([secret]) => formsOf(secret).some((form) => text.includes(form)))
      .map(([secret, what]) => `${table}: ${what} (${secret})`);
  });

describe('a dump of the whole database, with the queue and the keys', () => {
  it('holds no value of a sensitive column, and no token, password or code', async () => {
    const tables = await dump(app.database);
    const names = tables.filter(({ rows }) => rows.length > 0).map(({ table }) => table);
    for (const table of [
      'users',
      'resources',
      'sign_ups',
      'invitations',
      'export_parts',
      'factors',
    ])
      expect(names).toContain(`public.${table}`);
    expect(names.some((name) => name.startsWith('pgboss.job'))).toBe(true);
    expect(names).toContain('keys.data_keys');
    expect(foundIn(tables)).toEqual([]);
    expect(secrets.size).toBeGreaterThan(45);
  });

  it('would be found, whatever it is', () => {
    const rows = [...secrets.keys()].map((secret) => ({
      value: secret.startsWith('"') ? JSON.parse(secret) : `x${secret}y`,
    }));
    const planted = [...secrets].map(([secret, what]) => `planted: ${what} (${secret})`);
    expect(foundIn([{ table: 'planted', rows }])).toEqual(planted);
  });

  it('would be found in any of the forms, and in any table', async () => {
    const content = 'canary content 9999';
    for (const form of formsOf(content)) {
      await app.database.query('UPDATE resources SET title = $1', [`x${form}y`]);
      const text = JSON.stringify(await dump(app.database));
      expect([form, text.includes(form)]).toEqual([form, true]);
    }
  });
});

describe('the database of each test file', () => {
  it('is searched at its end for what clients said, and were told', async () => {
    const eve = await signUp(app);
    await expect(mustHoldNothingOverheard(app.database)).resolves.toBeUndefined();
    const displayName = `Radia ${randomUUID()}`;
    const { body } = await eve.client.patch<{ id: string }>('/v1/users/me', { displayName });
    for (const form of [displayName, Buffer.from(displayName).toString('hex')]) {
      await createResource(eve, { title: 'planted' });
      await app.database.query(`UPDATE resources SET title = $1 WHERE title = 'planted'`, [
        `x${form}y`,
      ]);
      await expect(mustHoldNothingOverheard(app.database)).rejects.toThrow(form);
      await app.database.query('DELETE FROM resources WHERE owner_id = $1', [body.id]);
    }
  });
});
