import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import type { Answer } from './support/client.js';
import { createResource, newPassword, share, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const IF_FIRST = { 'if-match': '"1"' };

let app: TestApp;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  app = await startApp();
  [ada, bob] = await Promise.all([signUp(app), signUp(app)]);
});
afterAll(() => app.close());

const rows = (id: string) => app.database.query('SELECT * FROM resources WHERE id = $1', [id]);

describe('requests for the same resource at the same time', () => {
  it('lets one of twenty changes of one version win', async () => {
    const { id } = await createResource(ada);
    await share(ada, id, bob, 'write');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? ada : bob).client.patch(`/v1/resources/${id}`, { title: `by ${n}` }, IF_FIRST),
      ),
    );
    expect(countStatuses(answers)).toEqual({ 200: 1, 412: 19 });
    const winner = answers.find(({ status }) => status === 200);
    for (const loser of answers.filter((answer) => answer !== winner))
      expectProblem(loser, 412, 'version_mismatch');
    expect(await rows(id)).toMatchObject([{ title: winner?.body['title'], version: 2 }]);
  });

  it('lets one of ten deletions win', async () => {
    const { id } = await createResource(ada);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ada.client.delete(`/v1/resources/${id}`)),
    );
    expect(countStatuses(answers)).toEqual({ 204: 1, 404: 9 });
  });

  it('never deletes a version that the caller has not seen', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await createResource(ada);
      const path = `/v1/resources/${id}`;
      const [changed, deleted] = await Promise.all([
        ada.client.patch(path, { title: 'x' }, IF_FIRST),
        ada.client.delete(path, undefined, IF_FIRST),
      ]);
      expect([
        [200, 412],
        [404, 204],
      ]).toContainEqual([changed.status, deleted.status]);
      expect(await rows(id)).toHaveLength(changed.status === 200 ? 1 : 0);
    }
  });
});

describe('fifty requests of every kind at the same time', () => {
  it.each([2, 3, 10])('are all answered with %i connections', async (size) => {
    const small = await startApp({
      database: app.database,
      env: { DATABASE_POOL_SIZE: `${size}` },
    });
    try {
      const answers = await fiftyRequests(small);
      const counts = countStatuses(answers);
      expect(Object.keys(counts).filter((status) => Number(status) >= 500)).toEqual([]);
      expect(answers).toHaveLength(50);
    } finally {
      await small.close();
    }
  });

  async function fiftyRequests(instance: TestApp): Promise<Answer[]> {
    const [eve, leaving] = await Promise.all([signUp(instance), signUp(instance)]);
    const { id } = await createResource(eve);
    const path = `/v1/resources/${id}`;
    const key = { 'idempotency-key': crypto.randomUUID() };
    const body = { title: 'x', content: '' };
    const kinds: ((n: number) => Promise<Answer>)[] = [
      () => eve.client.post('/v1/resources', body, key),
      () => eve.client.post('/v1/resources', body),
      () => eve.client.patch(path, { title: 'y' }, IF_FIRST),
      () => eve.client.get(path),
      () => eve.client.get('/v1/resources?sort=title'),
      () => eve.client.put(`${path}/shares/${bob.id}`, { permission: 'read' }),
      () => eve.client.patch('/v1/users/me', { displayName: 'Eve' }),
      () => instance.client().post('/v1/auth/login', { email: eve.email, password: eve.password }),
      () => instance.client().post('/v1/auth/refresh', { refreshToken: eve.tokens.refreshToken }),
      (n) =>
        n === 9
          ? leaving.client.delete('/v1/users/me', { currentPassword: leaving.password })
          : leaving.client.put('/v1/users/me/password', {
              currentPassword: leaving.password,
              newPassword: newPassword(),
            }),
    ];
    return Promise.all(
      Array.from({ length: 5 }, () => kinds)
        .flat()
        .map((kind, n) => kind(n)),
    );
  }
});
