import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { PasswordHasher } from '../src/auth/password-hasher.js';
import { withClient } from '../src/database/provision.js';
import { expectProblem } from './support/answers.js';
import {
  createAdministrator,
  login,
  newPassword,
  signUp,
  type Person,
} from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { startApp, type TestApp } from './support/test-app.js';
import { untilWaiting } from './support/waiting.js';

const ROUNDS = 8;
const SESSIONS = 6;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** What a request answers that was admitted, and waits for its hash while `meanwhile` happens. */
async function whileHashing<T>(send: () => Promise<T>, meanwhile: () => Promise<unknown>) {
  const hasher = app.app.get(PasswordHasher);
  const verify = hasher.verify.bind(hasher);
  const [admitted, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  jest.spyOn(hasher, 'verify').mockImplementationOnce(async (...password) => {
    admitted.resolve();
    await over.promise;
    return verify(...password);
  });
  const answer = send();
  await admitted.promise;
  await meanwhile();
  over.resolve();
  return answer;
}

const administrators = () =>
  app.database.query(`SELECT FROM users WHERE role = 'admin' AND disabled_at IS NULL`);
const everywhere = async ({ email, password }: Person) => {
  const tokens = await login(app.client(), email, password);
  await app.client().withToken(tokens.accessToken).post('/v1/auth/logout-everywhere');
};

describe('a request that was admitted before its session ended', () => {
  it('changes no password any more', async () => {
    const ada = await signUp(app);
    const change = { currentPassword: ada.password, newPassword: newPassword() };
    const tokens = await login(app.client(), ada.email, ada.password);
    const other = app.client().withToken(tokens.accessToken);
    const answer = await whileHashing(
      () => ada.client.put('/v1/users/me/password', change),
      () => other.post('/v1/auth/logout-everywhere'),
    );
    expectProblem(answer, 401, 'invalid_token');
    await login(app.client(), ada.email, ada.password);
  });

  it('deletes no account any more', async () => {
    const ada = await signUp(app);
    const tokens = await login(app.client(), ada.email, ada.password);
    const other = app.client().withToken(tokens.accessToken);
    const answer = await whileHashing(
      () => ada.client.delete('/v1/users/me', { currentPassword: ada.password }),
      () => other.post('/v1/auth/logout-everywhere'),
    );
    expectProblem(answer, 401, 'invalid_token');
    await everywhere(ada);
  });

  it('takes the last administrator away by no role that he had before', async () => {
    const [admin, ada] = [await createAdministrator(app), await signUp(app)];
    const promote = () => admin.client.put(`/v1/users/${ada.id}/role`, { role: 'admin' });
    const answer = await whileHashing(
      () => ada.client.delete('/v1/users/me', { currentPassword: ada.password }),
      async () => {
        await promote();
        await admin.client.put(`/v1/users/${admin.id}/role`, { role: 'user' });
      },
    );
    expect([401, 409]).toContain(answer.status);
    expect(await administrators()).toHaveLength(1);
  });
});

describe('an account that leaves while it is used', () => {
  const remove = (ada: Person) =>
    ada.client.delete('/v1/users/me', { currentPassword: ada.password });

  it('answers what creates for it as before or after', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const ada = await signUp(app);
      const create = (key?: string) =>
        ada.client.post(
          '/v1/resources',
          { title: 'x', content: '' },
          key === undefined ? {} : { 'idempotency-key': key },
        );
      const removed = remove(ada);
      const creations: Promise<{ status: number }>[] = [];
      for (let n = 0; n < 30; n += 1) {
        creations.push(create(n % 2 ? `key-${n}` : undefined));
        await sleep(2);
      }
      expect((await removed).status).toBe(204);
      for (const { status } of await Promise.all(creations)) expect([201, 401]).toContain(status);
    }
  });

  it.each([
    ['before', ['remove', 'reset'], { remove: 204, reset: 400 }],
    ['after', ['reset', 'remove'], { remove: 401, reset: 204 }],
  ] as const)('leaves %s its password is set anew', async (_when, order, statuses) => {
    const ada = await signUp(app);
    const token = await linkToken(app.app, ada.email);
    const actions = {
      remove: () => remove(ada),
      reset: () => {
        const body = { token, newPassword: newPassword() };
        return app.client().post('/v1/auth/reset-password', body);
      },
    };
    const answers = await withClient(app.database.urls.owner, async (owner) => {
      await owner.query('BEGIN');
      await owner.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [ada.id]);
      const sent = [];
      for (const name of order) {
        sent.push(actions[name]().then(({ status }) => [name, status] as const));
        await untilWaiting(app.database, sent.length);
      }
      await owner.query('COMMIT');
      return Promise.all(sent);
    });
    expect(Object.fromEntries(answers)).toEqual(statuses);
  });

  it('leaves also while somebody refreshes its tokens in a loop', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const ada = await signUp(app);
      const sessions = await Promise.all(
        Array.from({ length: SESSIONS }, () => login(app.client(), ada.email, ada.password)),
      );
      const stop = new AbortController();
      const statuses = new Set<number>();
      const refresh = async ({ refreshToken }: { refreshToken: string }) => {
        while (!stop.signal.aborted) {
          const answer = await app
            .client()
            .post<{ refreshToken: string }>('/v1/auth/refresh', { refreshToken });
          statuses.add(answer.status);
          if (answer.status !== 200) return;
          ({ refreshToken } = answer.body);
        }
      };
      const refreshing = Promise.all(sessions.map(refresh));
      expect((await remove(ada)).status).toBe(204);
      stop.abort();
      await refreshing;
      expect([...statuses].filter((status) => ![200, 401].includes(status))).toEqual([]);
    }
  });
});
