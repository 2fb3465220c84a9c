import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem, walk, type Page } from './support/answers.js';
import { createResource, share, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

interface ShareBody {
  userId: string;
  permission: string;
  createdAt: string;
}

let app: TestApp;
let owner: Person;
let bob: Person;
let carol: Person;
let id: string;

beforeAll(async () => {
  app = await startApp();
  [owner, bob, carol] = await Promise.all([signUp(app), signUp(app), signUp(app)]);
});
afterAll(() => app.close());

const pathOf = (userId: string, resourceId = id) => `/v1/resources/${resourceId}/shares/${userId}`;
const rows = () =>
  app.database.query<{ user_id: string; permission: string }>(
    'SELECT user_id, permission FROM resource_shares WHERE resource_id = $1 ORDER BY created_at',
    [id],
  );
const newResource = async () => {
  ({ id } = await createResource(owner));
};

describe('PUT /v1/resources/:id/shares/:userId', () => {
  it('shares, and changes the permission when it is repeated', async () => {
    await newResource();
    const first = await owner.client.put<ShareBody>(pathOf(bob.id), { permission: 'read' });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      userId: bob.id,
      permission: 'read',
      createdAt: expect.any(String),
    });
    const second = await owner.client.put(pathOf(bob.id), { permission: 'write' });
    expect(second.body).toEqual({ ...first.body, permission: 'write' });
    expect(await rows()).toEqual([{ user_id: bob.id, permission: 'write' }]);
  });

  it('takes writing away at once when the permission becomes reading', async () => {
    await newResource();
    await share(owner, id, bob, 'write');
    await share(owner, id, bob, 'read');
    const answer = await bob.client.patch(
      `/v1/resources/${id}`,
      { title: 'x' },
      { 'if-match': '"1"' },
    );
    expectProblem(answer, 403, 'forbidden');
  });

  it('makes one share of many at the same time', async () => {
    await newResource();
    const permissions = Array.from({ length: 20 }, (_, n) => (n % 2 ? 'read' : 'write'));
    const answers = await Promise.all(
      permissions.map((permission) => owner.client.put(pathOf(bob.id), { permission })),
    );
    expect(countStatuses(answers)).toEqual({ 200: 20 });
    expect(await rows()).toHaveLength(1);
  });

  it('leaves no share behind when the resource goes at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      await newResource();
      const [shared, deleted] = await Promise.all([
        owner.client.put(pathOf(bob.id), { permission: 'read' }),
        owner.client.delete(`/v1/resources/${id}`),
      ]);
      expect([200, 404]).toContain(shared.status);
      expect(deleted.status).toBe(204);
      expect(await rows()).toEqual([]);
    }
  });

  it('finds no user who does not exist, and not the owner', async () => {
    await newResource();
    for (const userId of [crypto.randomUUID(), owner.id, owner.id.toUpperCase()]) {
      const answer = await owner.client.put(pathOf(userId), { permission: 'read' });
      expectProblem(answer, 404, 'not_found');
    }
    expect(await rows()).toEqual([]);
  });

  it.each([
    [{}],
    [{ permission: 'own' }],
    [{ permission: ['write'] }],
    [{ permission: null }],
    [{ permission: 'read', userId: crypto.randomUUID() }],
    [{ permission: 'read', resourceId: crypto.randomUUID() }],
  ])('refuses %j', async (body) => {
    await newResource();
    expectProblem(await owner.client.put(pathOf(bob.id), body), 400, 'validation_failed');
    expect(await rows()).toEqual([]);
  });

  it.each(['read', 'write'] as const)('lets nobody pass a share on (%s)', async (permission) => {
    await newResource();
    await share(owner, id, bob, permission);
    const before = await rows();
    for (const userId of [carol.id, crypto.randomUUID()]) {
      const passedOn = await bob.client.put(pathOf(userId), { permission });
      expectProblem(passedOn, 403, 'forbidden');
    }
    expectProblem(await bob.client.put(pathOf(bob.id), { permission: 'write' }), 404, 'not_found');
    expect(await rows()).toEqual(before);
    expectProblem(await carol.client.get(`/v1/resources/${id}`), 404, 'not_found');
  });
});

describe('DELETE /v1/resources/:id/shares/:userId', () => {
  it('lets the owner end a share', async () => {
    await newResource();
    await share(owner, id, bob, 'write');
    await share(owner, id, carol, 'read');
    expect((await owner.client.delete(pathOf(bob.id))).status).toBe(204);
    expect(await rows()).toEqual([{ user_id: carol.id, permission: 'read' }]);
    expectProblem(await owner.client.delete(pathOf(bob.id)), 404, 'not_found');
  });

  it('lets a user leave what was shared with him, and nothing else', async () => {
    await newResource();
    await share(owner, id, bob, 'write');
    await share(owner, id, carol, 'read');
    expectProblem(await bob.client.delete(pathOf(carol.id)), 404, 'not_found');
    expect(await rows()).toHaveLength(2);
    expect((await bob.client.delete(pathOf(bob.id))).status).toBe(204);
    expect(await rows()).toEqual([{ user_id: carol.id, permission: 'read' }]);
    expectProblem(await bob.client.get(`/v1/resources/${id}`), 404, 'not_found');
  });
});

describe('GET /v1/resources/:id/shares', () => {
  it('pages through every share once', async () => {
    await newResource();
    const people = await Promise.all(Array.from({ length: 5 }, () => signUp(app)));
    for (const person of people) await share(owner, id, person, 'read');
    const shares = await walk((cursor) =>
      owner.client.get<Page<ShareBody>>(
        `/v1/resources/${id}/shares?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      ),
    );
    const expected = people.map((person) => person.id).toSorted();
    expect(shares.map(({ userId }) => userId)).toEqual(expected);
  });

  it('is an empty page when nothing is shared', async () => {
    await newResource();
    const answer = await owner.client.get(`/v1/resources/${id}/shares`);
    expect([answer.status, answer.body]).toEqual([200, { items: [], nextCursor: null }]);
  });

  it('refuses a cursor of another resource', async () => {
    await newResource();
    await share(owner, id, bob, 'read');
    await share(owner, id, carol, 'read');
    const { body } = await owner.client.get<Page<ShareBody>>(`/v1/resources/${id}/shares?limit=1`);
    await newResource();
    const answer = await owner.client.get(`/v1/resources/${id}/shares?cursor=${body.nextCursor}`);
    expectProblem(answer, 400, 'invalid_cursor');
  });
});

describe('GET /v1/resources/shared-with-me', () => {
  it.each(['sharedAt', '-sharedAt'])('pages through all that is shared, by %s', async (sort) => {
    const reader = await signUp(app);
    const expected: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      await newResource();
      await share(owner, id, reader, n % 2 ? 'read' : 'write');
      expected.push(id);
    }
    await createResource(reader);
    // The same time for some of them: the id must break the tie.
    await app.database.query(
      `UPDATE resource_shares SET created_at = '2026-01-01' WHERE resource_id = ANY($1)`,
      [expected.slice(0, 3)],
    );
    const sorted = [...expected.slice(0, 3).toSorted(), ...expected.slice(3)];
    const items = await walk((cursor) =>
      reader.client.get<Page<{ id: string; permission: string }>>(
        `/v1/resources/shared-with-me?sort=${sort}&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
      ),
    );
    const seen = items.map((item) => item.id);
    expect(seen).toEqual(sort === 'sharedAt' ? sorted : sorted.toReversed());
    expect(items.find((item) => item.id === expected[1])).toMatchObject({ permission: 'read' });
    expect(items.find((item) => item.id === expected[0])).toMatchObject({ permission: 'write' });
    expect(items[0]).not.toHaveProperty('content');
  });

  it('refuses orders and filters of the other list', async () => {
    for (const query of ['sort=title', 'sort=createdAt', 'label=x', 'limit=101'])
      expectProblem(
        await bob.client.get(`/v1/resources/shared-with-me?${query}`),
        400,
        'validation_failed',
      );
  });
});
