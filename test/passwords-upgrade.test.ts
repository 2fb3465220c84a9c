import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { expectProblem } from './support/answers.js';
import { passwordHashOf, tryLogin } from './support/auth.js';
import { newPassword, signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const WEAKER = { memoryCost: 8_192, timeCost: 1, parallelism: 1 };
const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** Somebody who signed up when the parameters were weaker. */
async function veteran() {
  const person = await signUp(app);
  const old = await hash(person.password.normalize('NFKC'), WEAKER);
  await app.database.query('UPDATE users SET password_hash = $1 WHERE id = $2', [old, person.id]);
  return { ...person, old };
}

describe('a password hash of weaker parameters', () => {
  it('is made anew at the sign-in, and opens the account as before', async () => {
    const { email, password, client } = await veteran();
    expect((await tryLogin(client, email, password)).status).toBe(200);
    expect(await passwordHashOf(app, email)).toMatch(TODAY);
    expect((await tryLogin(client, email, password)).status).toBe(200);
  });

  it('stays as it is when the password is wrong', async () => {
    const { email, client, old } = await veteran();
    expectProblem(await tryLogin(client, email, newPassword()), 401, 'invalid_credentials');
    expect(await passwordHashOf(app, email)).toBe(old);
  });

  it('is made anew by sign-ins at the same moment, and all of them get in', async () => {
    const { email, password, client } = await veteran();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => tryLogin(client, email, password)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(await passwordHashOf(app, email)).toMatch(TODAY);
  });
});

describe('a password hash of today', () => {
  it('is left alone', async () => {
    const { email, password, client } = await signUp(app);
    const before = await passwordHashOf(app, email);
    await tryLogin(client, email, password);
    expect(await passwordHashOf(app, email)).toBe(before);
  });
});
