import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { liveSessions, passwordHashOf, tryLogin } from './support/auth.js';
import { createResource, login, newPassword, register } from './support/factories.js';
import { fingerprint } from './support/inventory.js';
import { expectProblem, expectSafe } from './support/problems.js';
import { setStage, type Stage } from './support/stage.js';
import { startApp } from './support/test-app.js';

let app: Stage['app'];
let as: Stage['as'];
let createPerson: Stage['createPerson'];
let ada: Stage['ada'];
let eve: Stage['eve'];
let admin: Stage['admin'];

beforeAll(async () => {
  ({ app, as, createPerson, ada, eve, admin } = await setStage());
});
afterAll(() => app.close());

describe('POST /v1/auth/login', () => {
  it('takes one guess a request', async () => {
    const { id, email, password } = await createPerson('user');
    const passwords = [...Array.from({ length: 200 }, () => newPassword()), password];
    const guesses = passwords.map((guess) => ({ email, password: guess }));
    const lines = guesses.map((guess) => JSON.stringify(guess)).join('\n');
    for (const body of [guesses, { email, password: passwords }, { requests: guesses }, lines]) {
      const answer = await app.client().post('/v1/auth/login', body);
      expect(answer.status).toBe(400);
      expectSafe(answer);
    }
    for (const path of ['/v1/batch', '/v1/$batch', '/graphql', '/v1/auth/login/batch'])
      expectProblem(await app.client().post(path, guesses), 'not_found');
    expect(await liveSessions(app, id)).toHaveLength(1);
  });

  // With the right password, so that only the address keeps them out.
  it('lets nobody in by an address that goes on as SQL', async () => {
    const { id, email, password } = await createPerson('user');
    for (const condition of [`email='${email}'`, `id='${id}'`]) {
      const address = `"' or ${condition} --"@example.com`;
      expectProblem(await tryLogin(app.client(), address, password), 'invalid_credentials');
    }
    const row = `"' union select '${id}','${await passwordHashOf(app, eve.email)}' --"@example.com`;
    expectProblem(await tryLogin(app.client(), row, eve.password), 'validation_failed');
    expect(await liveSessions(app, id)).toHaveLength(1);
  });
});

describe('a new installation', () => {
  it('has no account that a manual could name', async () => {
    const fresh = await startApp();
    try {
      expect(await fresh.database.query('SELECT email FROM users')).toEqual([]);
      for (const name of ['admin', 'root', 'test', 'demo'])
        for (const password of [name, `${name}123`, 'password', 'changeme']) {
          const answer = await tryLogin(fresh.client(), `${name}@example.com`, password);
          expectProblem(answer, 'invalid_credentials');
        }
      expect(await fresh.database.query('SELECT FROM sessions')).toEqual([]);
    } finally {
      await fresh.close();
    }
  });
});

describe('an e-mail address that looks like another', () => {
  it.each<[string, (email: string) => string]>([
    ['with a tag', (email) => email.replace('@', '+x@')],
    ['with a dot', (email) => email.replace('user-', 'us.er-')],
    ['with stars, as a mask writes it', (email) => email.replace(/(?<=^u).+(?=.@)/, '***')],
    ['with a Cyrillic letter', (email) => email.replace('e', '\u0435')],
    ['at a longer domain', (email) => `${email}.example.org`],
  ])('is of another account, which sees nothing of the first: %s', async (_how, disguise) => {
    const victim = await createPerson('user');
    const { id } = await createResource(victim);
    const [email, password] = [disguise(victim.email), newPassword()];
    await register(app, { email, password });
    const { accessToken } = await login(app.client(), email, password);
    const client = app.client().withToken(accessToken);
    const me = await client.get('/v1/users/me');
    expect(me.body).toMatchObject({ email, id: expect.not.stringMatching(victim.id) });
    for (const list of ['/v1/resources', '/v1/resources/shared-with-me'])
      expect((await client.get(list)).body).toEqual({ items: [], nextCursor: null });
    expectProblem(await client.get(`/v1/resources/${id}`), 'not_found');
    const theft = await tryLogin(app.client(), victim.email, password);
    expectProblem(theft, 'invalid_credentials');
  });
});

describe("another user's password", () => {
  it('is not set by naming him in the path', async () => {
    const before = await fingerprint(app.database);
    const password = newPassword();
    const body = { password, newPassword: password, currentPassword: eve.password };
    for (const name of [ada.id, encodeURIComponent(ada.email)])
      for (const path of [`/v1/users/${name}/password`, `/v1/users/me/${name}/password`])
        for (const method of ['PUT', 'PATCH', 'POST'])
          for (const who of [eve, admin])
            expectProblem(await as(who).send(method, path, body), 'not_found');
    expect(await fingerprint(app.database)).toBe(before);
  });
});
