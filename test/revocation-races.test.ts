import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { liveSessions, refresh, signInAgain, statusFor, tryLogin } from './support/auth.js';
import { createAdministrator, newPassword, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const ROUNDS = 8;
const LOGINS = 8;
const LOGIN_EVERY_MS = 15;
let app: TestApp;
let other: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
  admin = await createAdministrator(app);
});
afterAll(async () => {
  await other.close();
  await app.close();
});

const instance = (n: number) => (n % 2 ? other : app);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function disable({ id }: Person): Promise<void> {
  expect((await admin.client.post(`/v1/users/${id}/disable`)).status).toBe(200);
}

/** Signs in again and again while `change`, begun after a while, is made; answers the tokens. */
async function signInWhile(person: Person, afterMs: number, change: () => Promise<unknown>) {
  const changed = pause(afterMs).then(change);
  const logins = [];
  for (let n = 0; n < LOGINS; n += 1) {
    logins.push(tryLogin(instance(n).client(), person.email, person.password));
    await pause(LOGIN_EVERY_MS);
  }
  await changed;
  const answers = await Promise.all(logins);
  return answers.flatMap(({ body }) => (body.accessToken ? [body] : []));
}

async function expectAllDead(given: { accessToken?: string; refreshToken?: string }[]) {
  for (const { accessToken = '', refreshToken = '' } of given) {
    expect(await statusFor(app, accessToken)).toBe(401);
    expect((await refresh(other.client(), refreshToken)).status).toBe(401);
  }
}

describe('a sign-in that races', () => {
  it('with disablement leaves no session of a disabled user', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = await signUp(app);
      const given = await signInWhile(person, round * 15, () => disable(person));
      expect(await liveSessions(app, person.id)).toEqual([]);
      await expectAllDead(given);
    }
  }, 120_000);

  it('with a password change leaves no session of the old password', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = await signUp(app);
      const given = await signInWhile(person, round * 15, async () => {
        const body = { currentPassword: person.password, newPassword: newPassword() };
        expect((await person.client.put('/v1/users/me/password', body)).status).toBe(204);
      });
      expect(await liveSessions(app, person.id)).toHaveLength(1);
      await expectAllDead(given);
      expect((await person.client.get('/v1/users/me')).status).toBe(200);
    }
  }, 120_000);
});

describe('a refresh that races', () => {
  it('with disablement leaves no token that works', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = await signUp(app);
      const elsewhere = await signInAgain(other, person);
      const refreshes = [person, elsewhere].map(({ tokens }, n) =>
        refresh(instance(n).client(), tokens.refreshToken),
      );
      await pause(round % 4);
      await disable(person);
      const answers = await Promise.all(refreshes);
      expect(await liveSessions(app, person.id)).toEqual([]);
      await expectAllDead([person.tokens, elsewhere.tokens]);
      await expectAllDead(answers.flatMap(({ body }) => (body.accessToken ? [body] : [])));
    }
  }, 120_000);
});
