import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { userRow } from './support/sealed-rows.js';
import { templatesTo } from './support/jobs.js';
import { countStatuses, expectProblem, tellTale } from './support/answers.js';
import type { Authenticator } from './support/authenticator.js';
import { liveSessions, passwordHashOf, tryLogin } from './support/auth.js';
import { login, newEmail, newPassword, signUp, type Person } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { addPasskey, signInWith } from './support/passkeys.js';
import { addTotp, challengeFor, demand, prove, totpCode } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';

const ASK = '/v1/users/me/email';
const CONFIRM = '/v1/auth/confirm-email-change';
const UNDO = '/v1/auth/undo-email-change';
const RESET = '/v1/auth/reset-password';
const AT_ONCE = 50;
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const ask = ({ client, password }: Person, to: string) =>
  client.post(ASK, { newEmail: to, currentPassword: password });
const confirm = (token: string) => app.client().post(CONFIRM, { token });
const undo = (token: string, password: string) =>
  app.client().post(UNDO, { token, newPassword: password });
const emailOf = async ({ id }: Person) => (await userRow(app.database, id))?.email;
const linksOf = ({ id }: Person) =>
  app.database.query<{ purpose: string }>(
    'SELECT * FROM mail_links WHERE user_id = $1 ORDER BY purpose',
    [id],
  );
const subjectsTo = (email: string) => templatesTo(app.database, email);

/** Asks, and reads the mail. */
async function linkFor(person: Person, to = newEmail()) {
  expect((await ask(person, to)).status).toBe(202);
  return { to, token: await mailedToken(app.database, to) };
}

/** The whole way; answers the new address and the token of the way back. */
async function move(person: Person, to = newEmail()) {
  const { token } = await linkFor(person, to);
  const from = (await emailOf(person)) ?? '';
  expect((await confirm(token)).status).toBe(204);
  return { to, back: await mailedToken(app.database, from) };
}

/** The thief has the session and the password, as after a phishing mail. */
async function signInAs({ password }: Person, email: string): Promise<Person> {
  const tokens = await login(app.client(), email, password);
  const client = app.client().withToken(tokens.accessToken);
  const { body } = await client.get<{ id: string }>('/v1/users/me');
  return { id: body.id, email, password, tokens, client };
}

async function throughPasskey(person: Person, device: Authenticator): Promise<Person> {
  const { body: tokens } = await signInWith(app, device);
  return { ...person, tokens, client: app.client().withToken(tokens.accessToken) };
}

const factorsAndCodesOf = ({ id }: Person) =>
  app.database.query(
    `SELECT id::text FROM factors WHERE user_id = $1
     UNION ALL SELECT code_hash::text FROM recovery_codes WHERE user_id = $1`,
    [id],
  );

describe('POST /v1/users/me/email', () => {
  it('changes nothing, and sends the new address a link to our own page', async () => {
    const ada = await signUp(app);
    const { to } = await linkFor(ada);
    expect(await emailOf(ada)).toBe(ada.email);
    expect(await subjectsTo(to)).toEqual([{ template: 'confirmEmail' }]);
    expect(await subjectsTo(ada.email)).toEqual([]);
    expect((await ada.client.get('/v1/users/me')).status).toBe(200);
  });

  it('needs the password, and cannot be guessed at', async () => {
    const ada = await signUp(app);
    const wrong = { newEmail: newEmail(), currentPassword: 'wrong' };
    for (let n = 0; n < 9; n += 1) await ada.client.post(ASK, wrong);
    expectProblem(await ada.client.post(ASK, wrong), 400, 'wrong_password');
    expectProblem(await ask(ada, newEmail()), 429, 'rate_limited');
    expect(await linksOf(ada)).toEqual([]);
    expect(await subjectsTo(wrong.newEmail)).toEqual([]);
  });

  it('answers the same for an address that somebody has, who then keeps it', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const free = await ask(ada, newEmail());
    const taken = await ask(ada, bob.email);
    expect(tellTale(taken)).toEqual(tellTale(free));
    const token = await mailedToken(app.database, bob.email);
    expectProblem(await confirm(token), 400, 'invalid_link');
    expect([await emailOf(ada), await emailOf(bob)]).toEqual([ada.email, bob.email]);
    expect((await ada.client.get('/v1/users/me')).status).toBe(200);
  });

  it('replaces the link that was asked for before', async () => {
    const ada = await signUp(app);
    const [first, second] = [await linkFor(ada), await linkFor(ada)];
    expectProblem(await confirm(first.token), 400, 'invalid_link');
    expect((await confirm(second.token)).status).toBe(204);
    expect(await emailOf(ada)).toBe(second.to);
  });
});

describe('POST /v1/auth/confirm-email-change', () => {
  it('changes the address, ends every session, and tells the old one how to undo it', async () => {
    const ada = await signUp(app);
    const { to } = await move(ada);
    expect(await emailOf(ada)).toBe(to);
    expectProblem(await ada.client.get('/v1/users/me'), 401, 'invalid_token');
    expect(await liveSessions(app, ada.id)).toEqual([]);
    expect(await subjectsTo(ada.email)).toEqual([{ template: 'emailChanged' }]);
    expect((await tryLogin(app.client(), ada.email, ada.password)).status).toBe(401);
    await login(app.client(), to, ada.password);
  });

  it('lets one of fifty parallel uses win', async () => {
    const ada = await signUp(app);
    const { token, to } = await linkFor(ada);
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => confirm(token)));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: AT_ONCE - 1 });
    expect(await emailOf(ada)).toBe(to);
    expect(await linksOf(ada)).toHaveLength(1);
  });

  it('gives one of two people who want the same address that address', async () => {
    const [people, to] = [[await signUp(app), await signUp(app)], newEmail()];
    const tokens: string[] = [];
    for (const person of people) tokens.push((await linkFor(person, to)).token);
    const answers = await Promise.all(tokens.map(confirm));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: 1 });
    expect((await Promise.all(people.map(emailOf))).filter((email) => email === to)).toHaveLength(
      1,
    );
  });

  it('ends the links for a new password, which went to the old address', async () => {
    const ada = await signUp(app);
    const reset = await linkToken(app.app, ada.email);
    await move(ada);
    const before = (await linksOf(ada)).map(({ purpose }) => purpose);
    expect(before).toEqual(['undo_email_change']);
    const answer = await app.client().post(RESET, { token: reset, newPassword: newPassword() });
    expectProblem(answer, 400, 'invalid_link');
  });

  it('refuses a link that is over, was asked for with the password of before, or is of another purpose', async () => {
    const [late, changed, other] = [await signUp(app), await signUp(app), await signUp(app)];
    const links = [await linkFor(late), await linkFor(changed)];
    await app.database.query('UPDATE mail_links SET expires_at = now() WHERE user_id = $1', [
      late.id,
    ]);
    const change = { currentPassword: changed.password, newPassword: newPassword() };
    expect((await changed.client.put('/v1/users/me/password', change)).status).toBe(204);
    const tokens = [...links.map(({ token }) => token), await linkToken(app.app, other.email)];
    for (const token of tokens) expectProblem(await confirm(token), 400, 'invalid_link');
    expect([await emailOf(late), await emailOf(changed)]).toEqual([late.email, changed.email]);
    expect(await linksOf(other)).toHaveLength(1);
  });

  it('refuses a disabled account', async () => {
    const ada = await signUp(app);
    const { token } = await linkFor(ada);
    await app.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [ada.id]);
    expectProblem(await confirm(token), 400, 'invalid_link');
    expect(await emailOf(ada)).toBe(ada.email);
  });

  it('sends links that set no password, and make no account', async () => {
    const ada = await signUp(app);
    const { token } = await linkFor(ada);
    const hash = await passwordHashOf(app, ada.email);
    const password = newPassword();
    for (const path of [RESET, UNDO])
      expectProblem(
        await app.client().post(path, { token, newPassword: password }),
        400,
        'invalid_link',
      );
    const answer = await app.client().post('/v1/auth/verify-address', { token, password });
    expectProblem(answer, 400, 'invalid_link');
    expect(await passwordHashOf(app, ada.email)).toBe(hash);
  });
});

describe('POST /v1/auth/undo-email-change', () => {
  it('gives the address back with a new password, and puts the thief out', async () => {
    const ada = await signUp(app);
    const { to, back } = await move(ada);
    const thief = await signInAs(ada, to);
    const password = newPassword();
    expect((await undo(back, password)).status).toBe(204);
    expectProblem(await thief.client.get('/v1/users/me'), 401, 'invalid_token');
    expect((await tryLogin(app.client(), ada.email, ada.password)).status).toBe(401);
    expect((await tryLogin(app.client(), to, ada.password)).status).toBe(401);
    await login(app.client(), ada.email, password);
    expectProblem(await undo(back, newPassword()), 400, 'invalid_link');
  });

  it('works after the thief has moved on and changed the password, and his own is worth nothing', async () => {
    const ada = await signUp(app);
    const first = await move(ada);
    const thief = await signInAs(ada, first.to);
    const stolen = newPassword();
    const change = { currentPassword: ada.password, newPassword: stolen };
    expect((await thief.client.put('/v1/users/me/password', change)).status).toBe(204);
    const second = await move({ ...thief, password: stolen });
    const password = newPassword();
    expect((await undo(first.back, password)).status).toBe(204);
    expect(await emailOf(ada)).toBe(ada.email);
    expectProblem(await undo(second.back, newPassword()), 400, 'invalid_link');
    await login(app.client(), ada.email, password);
  });

  it('is there for the owner although the thief used his own first', async () => {
    const ada = await signUp(app);
    const first = await move(ada);
    const second = await move(await signInAs(ada, first.to));
    expect((await undo(second.back, newPassword())).status).toBe(204);
    expect(await emailOf(ada)).toBe(first.to);
    expect((await undo(first.back, newPassword())).status).toBe(204);
    expect(await emailOf(ada)).toBe(ada.email);
  });

  it('takes out the factors and recovery codes of the thief, from before and after the move', async () => {
    const ada = await signUp(app);
    const { authenticator, recoveryCodes } = await addPasskey(ada);
    const { to, back } = await move(ada);
    const pending = await challengeFor(app, { ...ada, email: to });
    await addTotp(app, await throughPasskey(ada, authenticator));
    const password = newPassword();
    expect((await undo(back, password)).status).toBe(204);
    await login(app.client(), ada.email, password);
    expect((await signInWith(app, authenticator)).status).toBe(400);
    expect((await prove(app.client(), pending, recoveryCodes[0] ?? '')).status).toBe(401);
    expect(await factorsAndCodesOf(ada)).toEqual([]);
    expect(await subjectsTo(ada.email)).toContainEqual({ template: 'factorRemoved' });
  });

  it('leaves the factor that was there a week before, which is still asked for', async () => {
    const ada = await signUp(app);
    const { id, secret, recoveryCodes } = await addTotp(app, ada);
    await app.database.query(
      `UPDATE factors SET created_at = now() - interval '7 days 1 minute' WHERE id = $1`,
      [id],
    );
    const { authenticator } = await addPasskey(ada);
    const { back } = await move(ada);
    const password = newPassword();
    expect((await undo(back, password)).status).toBe(204);
    expectProblem(await demand(app.client(), { ...ada, password }), 401, 'second_factor_required');
    expect((await signInWith(app, authenticator)).status).toBe(400);
    expect(await factorsAndCodesOf(ada)).toHaveLength(1 + recoveryCodes.length);
    const challenge = await challengeFor(app, { ...ada, password });
    expect((await prove(app.client(), challenge, totpCode(secret))).status).toBe(200);
  });

  it('lets one of fifty parallel uses win', async () => {
    const ada = await signUp(app);
    const { back } = await move(ada);
    const passwords = Array.from({ length: AT_ONCE }, newPassword);
    const answers = await Promise.all(passwords.map((password) => undo(back, password)));
    expect(countStatuses(answers)).toEqual({ 204: 1, 400: AT_ONCE - 1 });
    const winner = passwords[answers.findIndex(({ status }) => status === 204)] ?? '';
    await login(app.client(), ada.email, winner);
  });

  it('refuses a weak password, which leaves the link good, and links that are over', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [{ back }, late] = [await move(ada), await move(bob)];
    expectProblem(await undo(back, 'short'), 400, 'weak_password');
    await app.database.query('UPDATE mail_links SET expires_at = now() WHERE user_id = $1', [
      bob.id,
    ]);
    for (const token of [late.back, '', 'x'.repeat(43)])
      expect((await undo(token, newPassword())).status).toBe(400);
    expect(await emailOf(bob)).toBe(late.to);
    expect((await undo(back, newPassword())).status).toBe(204);
  });

  it('refuses, and breaks nothing, when somebody else has the address by now', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const { to, back } = await move(ada);
    await move(bob, ada.email);
    expectProblem(await undo(back, newPassword()), 400, 'invalid_link');
    expect([await emailOf(ada), await emailOf(bob)]).toEqual([to, ada.email]);
  });
});

describe.each(['confirm-email-change', 'undo-email-change'])('the page %s', (name) => {
  it('changes nothing when it is opened, and holds no script of its own', async () => {
    const page = await app.client().get(`/account/${name}`);
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.text).toContain(`data-send-to="/v1/auth/${name}"`);
  });
});

describe('a link for a new password', () => {
  it('is worth nothing once the owner has changed the password', async () => {
    const ada = await signUp(app);
    const token = await linkToken(app.app, ada.email);
    const own = newPassword();
    const change = { currentPassword: ada.password, newPassword: own };
    expect((await ada.client.put('/v1/users/me/password', change)).status).toBe(204);
    const answer = await app.client().post(RESET, { token, newPassword: newPassword() });
    expectProblem(answer, 400, 'invalid_link');
    expect(await linksOf(ada)).toEqual([]);
    await login(app.client(), ada.email, own);
  });
});
