import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emailIndexOf } from './support/sealed-rows.js';
import { countStatuses, expectProblem, tellTale } from './support/answers.js';
import { passwordHashOf, tryLogin } from './support/auth.js';
import { login, newEmail, newPassword, signUp } from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { startMailing } from './support/mails.js';
import type { TestApp } from './support/test-app.js';
import { untilMailed } from './support/waiting.js';

const PATH = '/v1/auth/register';
const ALLOWED = 5;
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

const register = (email: string, password: string) => app.client().post(PATH, { email, password });
const rowsOf = (email: string) =>
  app.database.query('SELECT * FROM users WHERE email_index = $1', [emailIndexOf(email)]);
const signUpsOf = (email: string) =>
  app.database.query<{ token_hash: Buffer | null; password_hash: string }>(
    'SELECT * FROM sign_ups WHERE email_index = $1 ORDER BY created_at',
    [emailIndexOf(email)],
  );
const countSignUps = async () => (await app.database.query('SELECT FROM sign_ups')).length;
const subjectsTo = (email: string) => mailbox.to(email).map(({ headers }) => headers['subject']);

describe('POST /v1/auth/register', () => {
  it('makes no account, and sends a link to our own page, whatever the host was called', async () => {
    const [email, password] = [newEmail(), newPassword()];
    const headers = { 'x-forwarded-host': 'evil.example' };
    const answer = await app.client().post(PATH, { email, password }, headers);
    expect([answer.status, answer.text]).toEqual([202, '']);
    const { text } = await mailbox.received(email);
    expect(text).toMatch(/^http:\/\/localhost:3000\/account\/verify-address#[\w-]{43}$/m);
    expect(await rowsOf(email)).toEqual([]);
  });

  it('keeps hashes of the password and of the link, and nothing of the request', async () => {
    const password = newPassword();
    const emails = [newEmail(), newEmail()];
    for (const email of emails) await register(email, password);
    const mails = await Promise.all(emails.map((email) => mailbox.received(email)));
    const rows = (await Promise.all(emails.map(signUpsOf))).flat();
    for (const { password_hash: hash } of rows)
      expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(new Set(rows.map((row) => row.password_hash)).size).toBe(2);
    const dump = await app.database.query<{ row: string }>(`
      SELECT s::text AS row FROM sign_ups s UNION ALL SELECT j::text FROM pgboss.job j`);
    const text = dump.map(({ row }) => row).join();
    expect(text).not.toContain(password);
    for (const mail of mails) expect(text).not.toContain(/#(\S+)/.exec(mail.text)?.[1]);
  });

  it('answers a taken address like a free one, changes nothing, and tells the owner', async () => {
    const owner = await signUp(app);
    const before = await rowsOf(owner.email);
    const password = newPassword();
    const free = await register(newEmail(), password);
    const taken = await register(owner.email, password);
    expect(tellTale(taken)).toEqual(tellTale(free));
    const { text } = await mailbox.received(owner.email);
    expect(subjectsTo(owner.email)).toEqual(['You have an account already']);
    expect(text).toMatch(/\/account\/reset-password#[\w-]{43}$/m);
    expect(await rowsOf(owner.email)).toEqual(before);
    expectProblem(await tryLogin(app.client(), owner.email, 'x'), 401, 'invalid_credentials');
    await login(app.client(), owner.email, owner.password);
  });

  it('sends a disabled account nothing', async () => {
    const owner = await signUp(app);
    await app.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [owner.id]);
    expect((await register(owner.email, newPassword())).status).toBe(202);
    await untilMailed(app.database);
    expect(mailbox.to(owner.email)).toEqual([]);
  });

  it('fills neither a mailbox nor the table, whether or not there is an account', async () => {
    const [free, taken] = [newEmail(), (await signUp(app)).email];
    for (const email of [free, taken]) {
      const many = Array.from({ length: 30 }, () => register(email, newPassword()));
      expect(countStatuses(await Promise.all(many))).toEqual({ 202: 30 });
      expect(await signUpsOf(email)).toHaveLength(ALLOWED);
    }
    await untilMailed(app.database);
    for (const email of [free, taken]) expect(mailbox.to(email)).toHaveLength(ALLOWED);
  });

  it.each([
    ['role', 'admin'],
    ['isAdmin', true],
    ['id', '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47'],
    ['disabledAt', null],
    ['disabled_at', null],
    ['passwordHash', 'x'],
    ['createdAt', '2000-01-01T00:00:00Z'],
  ])('refuses a property that it does not ask for: %s', async (name, value) => {
    const email = newEmail();
    const body = { email, password: newPassword(), [name]: value };
    const answer = await app.client().post(PATH, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed']);
    expect(await signUpsOf(email)).toEqual([]);
  });

  it.each([
    ['no address', { password: 'plum orchid 123456' }],
    ['no password', { email: 'somebody@example.com' }],
    ['an address that is none', { email: 'somebody', password: 'plum orchid 123456' }],
    ['an object for an address', { email: { $ne: '' }, password: 'plum orchid 123456' }],
    ['a list of addresses', { email: ['somebody@example.com'], password: 'plum orchid 123456' }],
    ['a number for a password', { email: 'somebody@example.com', password: 123456789012345 }],
    ['two addresses', { email: 'a@example.com,b@example.com', password: 'plum orchid 123456' }],
    ['a second mail header', { email: 'a@example.com\nBcc: b@x.org', password: 'plum orchid 12' }],
  ])('refuses %s', async (_what, body) => {
    const before = await countSignUps();
    const answer = await app.client().post(PATH, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed']);
    expect(await countSignUps()).toBe(before);
  });
});

describe('POST /v1/auth/login before the address is verified', () => {
  it('tells only who knows the password of the sign-up', async () => {
    const [email, password] = [newEmail(), newPassword()];
    await register(email, password);
    expectProblem(await tryLogin(app.client(), email, password), 403, 'address_not_verified');
    const other = await tryLogin(app.client(), email, newPassword());
    expectProblem(other, 401, 'invalid_credentials');
    const unknown = await tryLogin(app.client(), newEmail(), newPassword());
    expect(tellTale(other)).toEqual(tellTale(unknown));
    expect(
      await app.database.query(
        'SELECT FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email_index = $1',
        [emailIndexOf(email)],
      ),
    ).toEqual([]);
  });

  it('answers the same where there is an account, so that who signs up does not learn it', async () => {
    const [owner, password] = [await signUp(app), newPassword()];
    await register(owner.email, password);
    expectProblem(await tryLogin(app.client(), owner.email, password), 403, 'address_not_verified');
    await login(app.client(), owner.email, owner.password);
  });

  it('says nothing of a sign-up that has expired', async () => {
    const [email, password] = [newEmail(), newPassword()];
    await register(email, password);
    await app.database.query('UPDATE sign_ups SET expires_at = now() WHERE email_index = $1', [
      emailIndexOf(email),
    ]);
    expectProblem(await tryLogin(app.client(), email, password), 401, 'invalid_credentials');
    expect(await passwordHashOf(app, email)).toBeUndefined();
  });
});
