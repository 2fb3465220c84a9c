import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tellTale } from './support/answers.js';
import { passwordHashOf, tryLogin } from './support/auth.js';
import { login, newEmail, newPassword, signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const PATH = '/v1/auth/register';
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const rowsOf = (email: string) =>
  app.database.query('SELECT * FROM users WHERE email = $1', [email]);
const countUsers = async () => (await app.database.query('SELECT FROM users')).length;

describe('POST /v1/auth/register', () => {
  it('makes a user who can sign in, with the least role and an Argon2id hash', async () => {
    const [email, password] = [newEmail(), newPassword()];
    const body = { email, password, displayName: '  Ada  ' };
    const answer = await app.client().post(PATH, body);
    expect([answer.status, answer.text]).toEqual([202, '']);
    const [row] = await rowsOf(email);
    expect(row).toMatchObject({ role: 'user', display_name: 'Ada', disabled_at: null });
    expect(await passwordHashOf(app, email)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await login(app.client(), email, password);
  });

  it('gives two people with the same password different hashes', async () => {
    const password = newPassword();
    const emails = [newEmail(), newEmail()];
    for (const email of emails) await app.client().post(PATH, { email, password });
    const hashes = await Promise.all(emails.map((email) => passwordHashOf(app, email)));
    expect(new Set(hashes).size).toBe(2);
  });

  it.each([
    ['case', (email: string) => email.toUpperCase()],
    ['space around it', (email: string) => `  ${email}\t`],
    ['full-width letters', (email: string) => email.replace('user', 'ｕｓｅｒ')],
    ['an ideographic space', (email: string) => `\u3000${email}`],
  ])('takes one address for one person, whatever its %s', async (_what, disguise) => {
    const [email, password] = [newEmail(), newPassword()];
    await app.client().post(PATH, { email: disguise(email), password });
    expect(await rowsOf(email)).toHaveLength(1);
    await login(app.client(), disguise(email), password);
    const before = await countUsers();
    await app.client().post(PATH, { email, password: newPassword() });
    expect(await countUsers()).toBe(before);
  });

  it('answers a taken address like a free one, and changes nothing', async () => {
    const owner = await signUp(app);
    const [before] = await rowsOf(owner.email);
    const password = newPassword();
    const free = await app.client().post(PATH, { email: newEmail(), password });
    const body = { email: owner.email, password, displayName: 'Eve' };
    const taken = await app.client().post(PATH, body);
    expect(tellTale(taken)).toEqual(tellTale(free));
    expect(await rowsOf(owner.email)).toEqual([before]);
    expect((await tryLogin(app.client(), owner.email, password)).status).toBe(401);
    await login(app.client(), owner.email, owner.password);
  });

  it('makes one row of fifty registrations at once', async () => {
    const email = newEmail();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => app.client().post(PATH, { email, password: newPassword() })),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
    expect(await rowsOf(email)).toHaveLength(1);
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
    expect(await rowsOf(email)).toEqual([]);
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
    const before = await countUsers();
    const answer = await app.client().post(PATH, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed']);
    expect(await countUsers()).toBe(before);
  });
});
