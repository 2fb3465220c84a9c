import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, tellTale } from './support/answers.js';
import { createAdministrator, createResource, share, signUp } from './support/factories.js';
import type { Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let owner: Person;
let other: Person;
let guest: Person;

beforeAll(async () => {
  app = await startApp();
  [owner, other, guest] = await Promise.all([signUp(app), signUp(app), signUp(app)]);
});
afterAll(() => app.close());

/** Every operation on one resource, as `who` would try it on the owner's. */
const OPERATIONS = {
  read: (who: Person, id: string) => who.client.get(`/v1/resources/${id}`),
  change: (who: Person, id: string) =>
    who.client.patch(`/v1/resources/${id}`, { title: 'taken over' }, { 'if-match': '"1"' }),
  'change blindly': (who: Person, id: string) =>
    who.client.patch(`/v1/resources/${id}`, { title: 'taken over' }, { 'if-match': '"77"' }),
  delete: (who: Person, id: string) => who.client.delete(`/v1/resources/${id}`),
  'delete a version': (who: Person, id: string) =>
    who.client.delete(`/v1/resources/${id}`, undefined, { 'if-match': '"77"' }),
  'list shares': (who: Person, id: string) => who.client.get(`/v1/resources/${id}/shares`),
  share: (who: Person, id: string) =>
    who.client.put(`/v1/resources/${id}/shares/${guest.id}`, { permission: 'write' }),
  'share with oneself': (who: Person, id: string) =>
    who.client.put(`/v1/resources/${id}/shares/${who.id}`, { permission: 'write' }),
  "end somebody's share": (who: Person, id: string) =>
    who.client.delete(`/v1/resources/${id}/shares/${guest.id}`),
};
type Operation = keyof typeof OPERATIONS;
type Standing = 'own' | 'write-shared' | 'read-shared' | 'foreign' | 'missing';

const EXPECTED: Record<Operation, Record<Standing, number>> = {
  read: { own: 200, 'write-shared': 200, 'read-shared': 200, foreign: 404, missing: 404 },
  change: { own: 200, 'write-shared': 200, 'read-shared': 403, foreign: 404, missing: 404 },
  'change blindly': {
    own: 412,
    'write-shared': 412,
    'read-shared': 403,
    foreign: 404,
    missing: 404,
  },
  delete: { own: 204, 'write-shared': 403, 'read-shared': 403, foreign: 404, missing: 404 },
  'delete a version': {
    own: 412,
    'write-shared': 403,
    'read-shared': 403,
    foreign: 404,
    missing: 404,
  },
  'list shares': { own: 200, 'write-shared': 403, 'read-shared': 403, foreign: 404, missing: 404 },
  share: { own: 200, 'write-shared': 403, 'read-shared': 403, foreign: 404, missing: 404 },
  'share with oneself': {
    own: 404,
    'write-shared': 404,
    'read-shared': 404,
    foreign: 404,
    missing: 404,
  },
  "end somebody's share": {
    own: 404,
    'write-shared': 404,
    'read-shared': 404,
    foreign: 404,
    missing: 404,
  },
};
const MATRIX = Object.entries(EXPECTED).flatMap(([operation, statuses]) =>
  Object.entries(statuses).map(
    ([standing, status]) => [operation as Operation, standing as Standing, status] as const,
  ),
);

async function resourceFor(standing: Standing): Promise<string> {
  if (standing === 'missing') return crypto.randomUUID();
  const { id } = await createResource(owner);
  if (standing === 'read-shared') await share(owner, id, other, 'read');
  if (standing === 'write-shared') await share(owner, id, other, 'write');
  return id;
}

const everything = () =>
  app.database.query(`
    SELECT to_jsonb(resources) FROM resources
    UNION ALL SELECT to_jsonb(resource_shares) FROM resource_shares ORDER BY 1`);

describe('who may do what to a resource', () => {
  it.each(MATRIX)('%s on one that is %s answers %i', async (operation, standing, status) => {
    const id = await resourceFor(standing);
    const before = await everything();
    const answer = await OPERATIONS[operation](standing === 'own' ? owner : other, id);
    expect(answer.status).toBe(status);
    if (status >= 400) expect(await everything()).toEqual(before);
    if (status === 403) expectProblem(answer, 403, 'forbidden');
    if (status === 404) expectProblem(answer, 404, 'not_found');
  });

  it.each(Object.keys(OPERATIONS) as Operation[])(
    '%s cannot tell a foreign resource from a missing one',
    async (operation) => {
      const { id } = await createResource(owner);
      await share(owner, id, guest, 'read');
      const foreign = await OPERATIONS[operation](other, id);
      const missing = await OPERATIONS[operation](other, crypto.randomUUID());
      expect(tellTale(foreign)).toEqual(tellTale(missing));
      expect(foreign.text).not.toContain(id);
    },
  );

  it('gives an administrator no more than anybody else', async () => {
    const administrator = await createAdministrator(app);
    const { id } = await createResource(owner);
    const before = await everything();
    for (const operation of Object.values(OPERATIONS))
      expectProblem(await operation(administrator, id), 404, 'not_found');
    expect(await everything()).toEqual(before);
  });

  it('takes the access of a share away with the share', async () => {
    const id = await resourceFor('write-shared');
    await owner.client.delete(`/v1/resources/${id}/shares/${other.id}`);
    const before = await everything();
    for (const operation of Object.values(OPERATIONS))
      expectProblem(await operation(other, id), 404, 'not_found');
    expect(await everything()).toEqual(before);
  });
});

describe('DELETE /v1/users/me', () => {
  it('takes what the owner shared away from everybody, and leaves the rest alone', async () => {
    const leaving = await signUp(app);
    const { id } = await createResource(leaving);
    await share(leaving, id, other, 'write');
    const kept = await resourceFor('read-shared');
    await share(owner, kept, leaving, 'read');
    const deleted = await leaving.client.delete('/v1/users/me', {
      currentPassword: leaving.password,
    });
    expect(deleted.status).toBe(204);
    for (const operation of Object.values(OPERATIONS))
      expectProblem(await operation(other, id), 404, 'not_found');
    const shares = await app.database.query(
      'SELECT resource_id, user_id FROM resource_shares WHERE resource_id IN ($1, $2)',
      [id, kept],
    );
    // Nothing is gone yet: the owner may think again.
    expect(shares).toHaveLength(3);
    expect((await OPERATIONS.read(other, kept)).status).toBe(200);
  });
});
