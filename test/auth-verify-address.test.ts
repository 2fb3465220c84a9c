import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emailIndexOf } from './support/sealed-rows.js';
import { countStatuses, expectProblem } from './support/answers.js';
import { tryLogin } from './support/auth.js';
import { login, newEmail, newPassword, signUp } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { startApp, type TestApp } from './support/test-app.js';
import { untilRecovered } from './support/waiting.js';

const PATH = '/v1/auth/verify-address';
const AT_ONCE = 50;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const verify = (token: string, password: string, client = app.client()) =>
  client.post(PATH, { token, password });
const rowsOf = (email: string) =>
  app.database.query('SELECT * FROM users WHERE email_index = $1', [emailIndexOf(email)]);
const liveTokens = (email: string) =>
  app.database.query('SELECT FROM sign_ups WHERE email_index = $1 AND token_hash IS NOT NULL', [
    emailIndexOf(email),
  ]);

/** Signs up, and reads the mail. */
async function ask(email: string, password = newPassword()) {
  await app.client().post('/v1/auth/register', { email, password });
  await untilRecovered(app.database);
  return { email, password, token: await mailedToken(app.database, email) };
}

describe('POST /v1/auth/verify-address', () => {
  it('makes the account, with the least role, and signs nobody in', async () => {
    const [email, password] = [newEmail(), newPassword()];
    await app.client().post('/v1/auth/register', { email, password, displayName: '  Ada  ' });
    const answer = await verify(await mailedToken(app.database, email), password);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await rowsOf(email)).toMatchObject([{ role: 'user', disabled_at: null }]);
    const { accessToken } = await login(app.client(), email, password);
    const { body } = await app.client().withToken(accessToken).get('/v1/users/me');
    expect(body).toMatchObject({ email, displayName: 'Ada' });
  });

  it.each([
    ['case', (email: string) => email.toUpperCase()],
    ['space around it', (email: string) => `  ${email}\t`],
    ['full-width letters', (email: string) => email.replace('user', 'ｕｓｅｒ')],
    ['an ideographic space', (email: string) => `\u3000${email}`],
    ['quotes', (email: string) => `"${email.replace('@', '"@')}`],
    [
      'spelling of its domain',
      (email: string) => email.replace('xn--exmple-cua.com', 'EXÄMPLE.com'),
    ],
  ])('takes one address for one person, whatever its %s', async (_what, disguise) => {
    const email = newEmail().replace('example.com', 'xn--exmple-cua.com');
    const password = newPassword();
    await app.client().post('/v1/auth/register', { email: disguise(email), password });
    await verify(await mailedToken(app.database, email), password);
    expect(await rowsOf(email)).toHaveLength(1);
    await login(app.client(), disguise(email), password);
  });

  it('gives who registered the address first nothing when its owner opens the link', async () => {
    const email = newEmail();
    const planted = await ask(email);
    const own = newPassword();
    expectProblem(await verify(planted.token, own), 400, 'wrong_password');
    expect(await rowsOf(email)).toEqual([]);
    const { token } = await ask(email, own);
    expect((await verify(token, own)).status).toBe(204);
    expectProblem(await verify(planted.token, planted.password), 400, 'invalid_link');
    expect((await tryLogin(app.client(), email, planted.password)).status).toBe(401);
    await login(app.client(), email, own);
  });

  it('lets one of fifty parallel uses win, of two links of one address', async () => {
    const email = newEmail();
    const signUps = [await ask(email), await ask(email)] as const;
    const clients = Array.from({ length: AT_ONCE }, () => app.client());
    // Fewer than the tries that one link has.
    const tries = clients.map((client, n) => ({ client, ...signUps[n < 20 ? 0 : 1] }));
    const answers = await Promise.all(
      tries.map(({ token, password, client }) => verify(token, password, client)),
    );
    const counts = countStatuses(answers);
    expect([counts[204], Object.keys(counts).filter((status) => status >= '500')]).toEqual([1, []]);
    expect(await rowsOf(email)).toHaveLength(1);
    const winner = tries[answers.findIndex(({ status }) => status === 204)];
    await login(app.client(), email, winner?.password ?? '');
    expect(await liveTokens(email)).toEqual([]);
  });

  it('makes one account of the link that is used twenty times at once', async () => {
    const { email, token, password } = await ask(newEmail());
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(token, password)));
    const counts = countStatuses(answers);
    expect([counts[204], Object.keys(counts).filter((status) => status >= '500')]).toEqual([1, []]);
    expect(await rowsOf(email)).toHaveLength(1);
  });

  it('makes no second account for an address that was taken meanwhile', async () => {
    const { email, token, password } = await ask(newEmail());
    const own = await ask(email);
    expect((await verify(own.token, own.password)).status).toBe(204);
    const before = await rowsOf(email);
    expectProblem(await verify(token, password), 400, 'invalid_link');
    expect(await rowsOf(email)).toEqual(before);
  });

  it('refuses a wrong password, leaves the link good, and does not let it be guessed', async () => {
    const { email, token, password } = await ask(newEmail());
    const client = app.client();
    expectProblem(await verify(token, newPassword(), client), 400, 'wrong_password');
    for (let n = 1; n < 10; n += 1) await verify(token, newPassword(), client);
    expectProblem(await verify(token, password, client), 429, 'rate_limited');
    expect(await rowsOf(email)).toEqual([]);
    expect((await verify(token, password)).status).toBe(204);
  });

  it('refuses links that are over, of another purpose, or of nobody', async () => {
    const { email, token, password } = await ask(newEmail());
    const ada = await signUp(app);
    await app.database.query('UPDATE sign_ups SET expires_at = now() WHERE email_index = $1', [
      emailIndexOf(email),
    ]);
    for (const wrong of [token, await linkToken(app.app, ada.email), '', 'x'.repeat(43)])
      expect((await verify(wrong, wrong === token ? password : ada.password)).status).toBe(400);
    expect(await rowsOf(email)).toEqual([]);
  });

  it('sends links that set no password of an account', async () => {
    const { token } = await ask(newEmail());
    const body = { token, newPassword: newPassword() };
    expectProblem(await app.client().post('/v1/auth/reset-password', body), 400, 'invalid_link');
  });

  it('changes nothing when its page is opened, as mail scanners do', async () => {
    const { email, token, password } = await ask(newEmail());
    const page = await app.client().get('/account/verify-address');
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.text).not.toMatch(/<script>|onclick|style="/);
    expect([await rowsOf(email), await liveTokens(email)]).toEqual([[], [{}]]);
    expect((await verify(token, password)).status).toBe(204);
  });
});
