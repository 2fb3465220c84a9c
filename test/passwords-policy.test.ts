import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emailIndexOf } from './support/sealed-rows.js';
import { tryLogin } from './support/auth.js';
import { login, newEmail, register as signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const PATH = '/v1/auth/register';
let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const register = (email: string, password: string) => app.client().post(PATH, { email, password });
const signUpsOf = (email: string) =>
  app.database.query('SELECT * FROM sign_ups WHERE email_index = $1', [emailIndexOf(email)]);

describe('the password policy', () => {
  it.each([
    ['tooShort', 'Tr0ub4dor&3'],
    ['tooShort', 'fourteen chars'],
    ['tooShort', '😀'.repeat(14)],
    ['tooShort', 'one ligature \u{fdfa}'],
    ['tooSimple', '\u{fdfa}'.repeat(5).padEnd(15, 'ab')],
    ['tooLong', 'orchid plum 7 '.repeat(10)],
    ['tooSimple', 'aaaaaaaaaaaaaaaaaaaa'],
    ['tooSimple', 'abcabcabcabcabcabc'],
    ['common', 'password123456789'],
    ['common', 'passwordpassword'],
    ['common', 'PassWord123456789'],
    ['common', 'qwertyuiopqwertyuiop'],
    ['common', 'ｐａｓｓｗｏｒｄ123456789'],
    ['common', 'bulwarkpassword1'],
  ])('refuses as %s: %s', async (rule, password) => {
    const email = newEmail();
    const answer = await register(email, password);
    expect([answer.status, answer.body['code']]).toEqual([400, 'weak_password']);
    expect(answer.body['errors']).toEqual([expect.objectContaining({ at: '/password', rule })]);
    expect(answer.text).not.toContain(password);
    expect(await signUpsOf(email)).toEqual([]);
  });

  it.each([
    ['the address', (email: string) => email],
    ['the address in capitals', (email: string) => email.toUpperCase()],
    ['the name before the @, twice', (email: string) => email.replace(/@.*/, '').repeat(2)],
    ['the name and ours', (email: string) => `${email.replace(/@.*/, '')}bulwark`],
  ])('refuses a password made of %s', async (_what, passwordFor) => {
    const email = newEmail();
    const answer = await register(email, passwordFor(email));
    expect([answer.status, answer.body['code']]).toEqual([400, 'weak_password']);
    expect(await signUpsOf(email)).toEqual([]);
  });

  it.each([
    ['fifteen characters', 'plum orchid 742'],
    ['a hundred and twenty-eight', 'orchid plum 742 '.repeat(8)],
    ['a hundred and twenty-eight emoji', '🦊🐻🐼🐨🐯🦁🐮🐷'.repeat(16)],
    ['no digit, capital or sign', 'seven lilac tortoises'],
    ['spaces at both ends', '  lilac tortoise seven  '],
    ['Han characters', '紫色的乌龟喜欢在雨后的花园里散步'],
  ])('takes %s, every character of it', async (_what, password) => {
    const email = newEmail();
    await signUp(app, { email, password });
    await login(app.client(), email, password);
    const cut = Array.from(password).slice(0, -1).join('');
    expect((await tryLogin(app.client(), email, cut)).status).toBe(401);
  });

  it.each([
    ['composed', 'decomposed', 'NFC', 'NFD'],
    ['decomposed', 'composed', 'NFD', 'NFC'],
  ])('knows a %s password again when it arrives %s', async (_a, _b, stored, typed) => {
    const [email, password] = [newEmail(), 'Žluťoučký kůň úpěl ďábelské'];
    await signUp(app, { email, password: password.normalize(stored) });
    expect(password.normalize(stored)).not.toBe(password.normalize(typed));
    await login(app.client(), email, password.normalize(typed));
  });

  it('refuses half a character, which the hash could not tell from another half', async () => {
    const email = newEmail();
    const body = `{"email":"${email}","password":"plum orchid 742 \\ud800"}`;
    const answer = await app.client().post(PATH, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'forbidden_character']);
    expect(await signUpsOf(email)).toEqual([]);
  });
});
