import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let ada: Person;
let target: Person;

beforeAll(async () => {
  app = await startApp();
  [ada, target] = await Promise.all([signUp(app), signUp(app)]);
  await createAdministrator(app);
});
afterAll(() => app.close());

const allUsers = () => app.database.query('SELECT * FROM users ORDER BY id');

describe('GET /v1/users/me', () => {
  it('gives the profile, and nothing that is not for its owner to see', async () => {
    const answer = await ada.client.get('/v1/users/me');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: ada.id,
      email: ada.email,
      displayName: '',
      role: 'user',
      createdAt: expect.any(String),
    });
    expect(answer.text).not.toMatch(/password|hash|argon/i);
  });
});

describe('PATCH /v1/users/me', () => {
  it('changes the name that is shown, without the white space around it', async () => {
    const answer = await ada.client.patch('/v1/users/me', { displayName: '  Ada L.  ' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: ada.id, displayName: 'Ada L.' });
    expect((await ada.client.get('/v1/users/me')).body).toEqual(answer.body);
  });

  it.each([
    ['nothing', {}],
    ['a name that is too long', { displayName: 'x'.repeat(101) }],
    ['a name that is null', { displayName: null }],
    ['a name that is an object', { displayName: {} }],
    ['the role', { displayName: 'x', role: 'admin' }],
    ['the address', { displayName: 'x', email: 'other@example.com' }],
    ['the id', { displayName: 'x', id: crypto.randomUUID() }],
    ['the password hash', { displayName: 'x', passwordHash: 'x' }],
    ['whether it is disabled', { displayName: 'x', disabledAt: null }],
  ])('refuses to change %s', async (_what, body) => {
    const before = await allUsers();
    expectProblem(await ada.client.patch('/v1/users/me', body), 400, 'validation_failed');
    expect(await allUsers()).toEqual(before);
  });
});

describe('the administration of users', () => {
  it.each([
    ['GET', '', undefined],
    ['GET', '?email=a@example.com', undefined],
    ['GET', '/:id', undefined],
    ['PUT', '/:id/role', { role: 'admin' }],
    ['PUT', '/:me/role', { role: 'admin' }],
    ['POST', '/:id/disable', undefined],
    ['POST', '/:id/enable', undefined],
  ] as const)('is closed to ordinary users: %s /v1/users%s', async (method, path, body) => {
    const before = await allUsers();
    const url = `/v1/users${path.replace(':id', target.id).replace(':me', ada.id)}`;
    const answer = await ada.client.send(method, url, body);
    expectProblem(answer, 403, 'forbidden');
    expect(answer.text).not.toContain(target.email);
    expect(await allUsers()).toEqual(before);
    expectProblem(await app.client().send(method, url, body), 401, 'authentication_required');
  });

  it('does not tell ordinary users which ids exist', async () => {
    const [known, unknown] = await Promise.all(
      [target.id, crypto.randomUUID()].map((id) => ada.client.get(`/v1/users/${id}`)),
    );
    expect([known?.status, known?.body['code']]).toEqual([unknown?.status, unknown?.body['code']]);
  });
});
