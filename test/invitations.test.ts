import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emailIndexOf } from './support/sealed-rows.js';
import { countStatuses, expectProblem, tellTale } from './support/answers.js';
import {
  createAdministrator,
  login,
  newEmail,
  newPassword,
  signUp,
  type Person,
} from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { findMailedToken, mailedToken } from './support/mailed-links.js';
import { startApp, type TestApp } from './support/test-app.js';

const INVITE = '/v1/users/invitations';
const ACCEPT = '/v1/auth/accept-invitation';
const AT_ONCE = 50;
let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
});
afterAll(() => app.close());

const accept = (token: string, password: string) =>
  app.client().post(ACCEPT, { token, password, displayName: 'Grace' });
const usersOf = (email: string) =>
  app.database.query('SELECT * FROM users WHERE email_index = $1', [emailIndexOf(email)]);
const invitationsOf = (email: string) =>
  app.database.query('SELECT * FROM invitations WHERE email_index = $1', [emailIndexOf(email)]);

/** Invites, and reads the mail. */
async function invite(email = newEmail()) {
  expect((await admin.client.post(INVITE, { email })).status).toBe(202);
  return { email, token: await mailedToken(app.database, email) };
}

describe('POST /v1/users/invitations', () => {
  it('makes no account, and keeps a hash of the link', async () => {
    const { email, token } = await invite();
    expect(await usersOf(email)).toEqual([]);
    expect(JSON.stringify(await invitationsOf(email))).not.toContain(token);
  });

  it('answers the same for somebody who has an account, and sends nothing', async () => {
    const ada = await signUp(app);
    const free = await admin.client.post(INVITE, { email: newEmail() });
    const taken = await admin.client.post(INVITE, { email: ada.email });
    expect(tellTale(taken)).toEqual(tellTale(free));
    expect(await findMailedToken(app.database, ada.email)).toBeUndefined();
    expect(await invitationsOf(ada.email)).toEqual([]);
  });

  it('is closed to users, and names no role', async () => {
    const [ada, email] = [await signUp(app), newEmail()];
    expectProblem(await ada.client.post(INVITE, { email }), 403, 'forbidden');
    const answer = await admin.client.post(INVITE, { email, role: 'admin' });
    expectProblem(answer, 400, 'validation_failed');
    expect(await invitationsOf(email)).toEqual([]);
  });

  it('replaces the invitation before', async () => {
    const { email, token } = await invite();
    const again = await invite(email);
    const password = newPassword();
    expectProblem(await accept(token, password), 400, 'invalid_link');
    expect((await accept(again.token, password)).status).toBe(204);
    await login(app.client(), email, password);
  });
});

describe('POST /v1/auth/accept-invitation', () => {
  it('makes a user with the least role and a password of his own, and signs nobody in', async () => {
    const { email, token } = await invite();
    const password = newPassword();
    const answer = await accept(token, password);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await usersOf(email)).toMatchObject([{ role: 'user' }]);
    const { accessToken } = await login(app.client(), email, password);
    const { body } = await app.client().withToken(accessToken).get('/v1/users/me');
    expect(body).toMatchObject({ email, displayName: 'Grace' });
    expectProblem(await accept(token, newPassword()), 400, 'invalid_link');
    await login(app.client(), email, password);
  });

  it('lets one of fifty parallel uses win', async () => {
    const { email, token } = await invite();
    const passwords = Array.from({ length: AT_ONCE }, newPassword);
    const answers = await Promise.all(passwords.map((password) => accept(token, password)));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: AT_ONCE - 1 });
    const winner = passwords[answers.findIndex(({ status }) => status === 204)] ?? '';
    await login(app.client(), email, winner);
  });

  it('refuses a weak password, and leaves the link good', async () => {
    const { email, token } = await invite();
    expectProblem(await accept(token, 'short'), 400, 'weak_password');
    expect(await usersOf(email)).toEqual([]);
    expect((await accept(token, newPassword())).status).toBe(204);
  });

  it('refuses links that are over, of another purpose, or of nobody', async () => {
    const [{ email, token }, ada] = [await invite(), await signUp(app)];
    await app.database.query('UPDATE invitations SET expires_at = now() WHERE email_index = $1', [
      emailIndexOf(email),
    ]);
    for (const wrong of [token, await linkToken(app.app, ada.email), '', 'x'.repeat(43)])
      expect((await accept(wrong, newPassword())).status).toBe(400);
    expect(await usersOf(email)).toEqual([]);
    await login(app.client(), ada.email, ada.password);
  });

  it('has a page, which changes nothing when it is opened', async () => {
    const page = await app.client().get('/account/accept-invitation');
    expect([page.status, page.text.includes(`data-send-to="${ACCEPT}"`)]).toEqual([200, true]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  });
});
