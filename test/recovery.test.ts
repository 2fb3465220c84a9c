import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import {
  createAdministrator,
  login,
  newEmail,
  newPassword,
  signUp,
  type Person,
} from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { startMailing } from './support/mails.js';
import type { TestApp } from './support/test-app.js';
import { until, untilMailed } from './support/waiting.js';

const FORGOT = '/v1/auth/forgot-password';
const RESET = '/v1/auth/reset-password';
const AT_ONCE = 50;

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startMailing(mailbox);
});
afterAll(async () => {
  await app.close();
  await mailbox.down();
});

const forgot = (email: string) => app.client().post(FORGOT, { email });
const reset = (token: string, password: string) =>
  app.client().post(RESET, { token, newPassword: password });
const canSignIn = async ({ email }: Person, password: string) =>
  (await app.client().post('/v1/auth/login', { email, password })).status === 200;

/** The secrets of the links that came to an address, the newest last. */
const tokensTo = (email: string) =>
  mailbox.to(email).flatMap(({ text }) => /#([\w-]{43})$/m.exec(text)?.[1] ?? []);

async function tokenFor({ email }: Person): Promise<string> {
  const before = tokensTo(email).length;
  await forgot(email);
  await until(() => tokensTo(email).length > before, 'a link');
  return tokensTo(email).at(-1) ?? '';
}

const linksOf = ({ id }: Person) =>
  app.database.query<{ token_hash: Buffer }>('SELECT * FROM mail_links WHERE user_id = $1', [id]);

describe('POST /v1/auth/forgot-password', () => {
  it('sends a link to our own page, whatever the request called the host', async () => {
    const ada = await signUp(app);
    await app.client().post(FORGOT, { email: ada.email }, { 'x-forwarded-host': 'evil.example' });
    const { text, headers } = await mailbox.received(ada.email);
    expect(text).toMatch(/^http:\/\/localhost:3000\/account\/reset-password#[\w-]{43}$/m);
    expect(headers['subject']).toBe('Set a new password');
  });

  it('answers the same for an address that nobody has, and writes to nobody', async () => {
    const [ada, nobody] = [await signUp(app), newEmail()];
    const [known, unknown] = [await forgot(ada.email), await forgot(nobody)];
    expect([known.status, known.text]).toEqual([202, '']);
    expect([unknown.status, unknown.text]).toEqual([202, '']);
    await mailbox.received(ada.email);
    await untilMailed(app.database);
    expect(mailbox.to(nobody)).toEqual([]);
  });

  it('sends a disabled account nothing', async () => {
    const [admin, ada] = [await createAdministrator(app), await signUp(app)];
    await admin.client.post(`/v1/users/${ada.id}/disable`);
    await forgot(ada.email);
    await untilMailed(app.database);
    expect(mailbox.to(ada.email)).toEqual([]);
    expect(await linksOf(ada)).toEqual([]);
  });

  it('fills no mailbox: after five mails there is none for an hour', async () => {
    const ada = await signUp(app);
    const answers = await Promise.all(Array.from({ length: 12 }, () => forgot(ada.email)));
    expect(countStatuses(answers)).toEqual({ 202: 12 });
    await untilMailed(app.database);
    expect(mailbox.to(ada.email)).toHaveLength(5);
  });

  it('keeps a hash of the link, and nothing of the request', async () => {
    const ada = await signUp(app);
    const token = await tokenFor(ada);
    await untilMailed(app.database);
    const dump = await app.database.query<{ row: string }>(`
      SELECT l::text AS row FROM mail_links l UNION ALL SELECT j::text FROM pgboss.job j`);
    expect(dump.map(({ row }) => row).join()).not.toContain(token);
    expect(await linksOf(ada)).toHaveLength(1);
  });
});

describe('POST /v1/auth/reset-password', () => {
  it('sets the password, ends every session, says so by mail, and signs nobody in', async () => {
    const ada = await signUp(app);
    const password = newPassword();
    const answer = await reset(await tokenFor(ada), password);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectProblem(await ada.client.get('/v1/users/me'), 401, 'invalid_token');
    expect(await canSignIn(ada, ada.password)).toBe(false);
    await login(ada.client, ada.email, password);
    await until(() => mailbox.to(ada.email).length === 2, 'the notice');
    expect(mailbox.to(ada.email).at(-1)?.headers['subject']).toBe('Your password was changed');
  });

  it('spends every link that the person has', async () => {
    const ada = await signUp(app);
    const tokens = [await tokenFor(ada), await tokenFor(ada)];
    const password = newPassword();
    expect((await reset(tokens[0] ?? '', password)).status).toBe(204);
    for (const token of tokens)
      expectProblem(await reset(token, newPassword()), 400, 'invalid_link');
    expect(await canSignIn(ada, password)).toBe(true);
    expect(await linksOf(ada)).toEqual([]);
  });

  it('lets one of fifty parallel uses win', async () => {
    const ada = await signUp(app);
    const tokens = [await tokenFor(ada), await tokenFor(ada)];
    const tries = Array.from({ length: AT_ONCE }, (_none, n) => ({
      token: tokens[n % 2] ?? '',
      password: newPassword(),
    }));
    const answers = await Promise.all(tries.map(({ token, password }) => reset(token, password)));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: AT_ONCE - 1 });
    const winner = tries[answers.findIndex(({ status }) => status === 204)];
    expect(await canSignIn(ada, winner?.password ?? '')).toBe(true);
  });

  it('refuses a weak password, and leaves the link good', async () => {
    const ada = await signUp(app);
    const token = await tokenFor(ada);
    expectProblem(await reset(token, 'short'), 400, 'weak_password');
    expect(await canSignIn(ada, ada.password)).toBe(true);
    expect((await reset(token, newPassword())).status).toBe(204);
  });

  it('refuses a link that has expired, and one of somebody who was disabled meanwhile', async () => {
    const [admin, ada, bob] = [
      await createAdministrator(app),
      await signUp(app),
      await signUp(app),
    ];
    const [late, disabled] = [await tokenFor(ada), await tokenFor(bob)];
    await app.database.query(`UPDATE mail_links SET expires_at = now() WHERE user_id = $1`, [
      ada.id,
    ]);
    await admin.client.post(`/v1/users/${bob.id}/disable`);
    for (const token of [late, disabled, '', 'x'.repeat(43), `${late}=`])
      expect((await reset(token, newPassword())).status).toBe(400);
    expect(await canSignIn(ada, ada.password)).toBe(true);
  });

  it('changes nothing when its page is opened, as mail scanners do', async () => {
    const ada = await signUp(app);
    const token = await tokenFor(ada);
    const page = await app.client().get('/account/reset-password');
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(await linksOf(ada)).toHaveLength(1);
    expect((await reset(token, newPassword())).status).toBe(204);
  });
});

describe('PUT /v1/users/me/password', () => {
  it('says by mail that the password was changed', async () => {
    const ada = await signUp(app);
    const change = { currentPassword: ada.password, newPassword: newPassword() };
    await ada.client.put('/v1/users/me/password', change);
    const { headers } = await mailbox.received(ada.email);
    expect(headers['subject']).toBe('Your password was changed');
  });
});
