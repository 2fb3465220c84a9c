import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Housekeeping } from '../src/database/housekeeping.js';
import { dump } from './support/dump.js';
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
import { addPasskey } from './support/passkeys.js';
import { addTotp, challengeFor } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';
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

async function useEverything(): Promise<void> {
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
}

async function useFactors(): Promise<void> {
  const bob = await signUp(app);
  const { secret, recoveryCodes } = await addTotp(app, bob, keep('a factor', 'Canary phone'));
  keep('the seed of a factor', secret);
  for (const code of recoveryCodes) keep('a recovery code', code);
  keep('a challenge', await challengeFor(app, bob));
  await addPasskey(await signUp(app));
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
    const found = tables.flatMap(({ table, rows }) => {
      const text = JSON.stringify(rows);
      return [...secrets]
        .filter(([secret]) => formsOf(secret).some((form) => text.includes(form)))
        .map(([secret, what]) => `${table}: ${what} (${secret})`);
    });
    expect(found).toEqual([]);
    expect(secrets.size).toBeGreaterThan(30);
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
