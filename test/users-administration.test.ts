import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { expectProblem, walk, type Page } from './support/answers.js';
import { createAdministrator, login, newEmail, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

interface UserBody {
  id: string;
  email: string;
  role: string;
  disabledAt: string | null;
}

let app: TestApp;
let admin: Person;
let user: Person;

beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  user = await signUp(app);
});

const row = async (id: string) =>
  (await app.database.query('SELECT role, disabled_at FROM users WHERE id = $1', [id]))[0];
const setRole = (by: Person, id: string, role: string) =>
  by.client.put<UserBody>(`/v1/users/${id}/role`, { role });

describe('GET /v1/users', () => {
  it('pages through all users, oldest first', async () => {
    await Promise.all(Array.from({ length: 4 }, () => signUp(app)));
    const users = await walk((cursor) =>
      admin.client.get<Page<UserBody>>(`/v1/users?limit=2${cursor ? `&cursor=${cursor}` : ''}`),
    );
    const expected = await app.database.query<{ id: string }>(
      'SELECT id FROM users ORDER BY created_at, id',
    );
    expect(users.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(Object.keys(users[0] ?? {}).toSorted()).toEqual(
      ['createdAt', 'deleteAt', 'disabledAt', 'displayName', 'email', 'id', 'role'].toSorted(),
    );
  });

  it('finds one address, however it is written', async () => {
    const query = new URLSearchParams({ email: ` ${user.email.toUpperCase()} ` });
    const { body } = await admin.client.get<Page<UserBody>>(`/v1/users?${query.toString()}`);
    expect(body.items.map(({ id }) => id)).toEqual([user.id]);
    const none = await admin.client.get(`/v1/users?email=${newEmail()}`);
    expect(none.body).toEqual({ items: [], nextCursor: null });
  });

  it.each(['email=', 'email=x', 'email=%25', 'role=admin', 'sort=email', 'limit=0'])(
    'refuses %s',
    async (query) => {
      expectProblem(await admin.client.get(`/v1/users?${query}`), 400, 'validation_failed');
    },
  );

  it("refuses another administrator's cursor, and one of another filter", async () => {
    const other = await createAdministrator(app);
    const { body } = await admin.client.get<Page<UserBody>>('/v1/users?limit=1');
    const cursor = `cursor=${body.nextCursor}`;
    expectProblem(await other.client.get(`/v1/users?${cursor}`), 400, 'invalid_cursor');
    const filtered = await admin.client.get(`/v1/users?${cursor}&email=${user.email}`);
    expectProblem(filtered, 400, 'invalid_cursor');
    await setRole(admin, other.id, 'user');
  });
});

describe('PUT /v1/users/:id/role', () => {
  it('makes an administrator, and ends the sessions that had less', async () => {
    const answer = await setRole(admin, user.id, 'admin');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, role: 'admin' });
    expectProblem(await user.client.get('/v1/users/me'), 401, 'invalid_token');
    const tokens = await login(user.client, user.email, user.password);
    expect((await user.client.withToken(tokens.accessToken).get('/v1/users')).status).toBe(200);
    expect((await setRole(admin, user.id, 'user')).body).toMatchObject({ role: 'user' });
  });

  it('takes the power of an administrator away at once', async () => {
    const other = await createAdministrator(app);
    expect((await setRole(admin, other.id, 'user')).status).toBe(200);
    expectProblem(await setRole(other, other.id, 'admin'), 401, 'invalid_token');
    expect(await row(other.id)).toMatchObject({ role: 'user' });
  });

  it('leaves the sessions alone when the role stays', async () => {
    expect((await setRole(admin, user.id, 'user')).status).toBe(200);
    expect((await user.client.get('/v1/users/me')).status).toBe(200);
  });

  it.each(['owner', 'Admin', '', null, ['admin']])('refuses the role %j', async (role) => {
    const answer = await admin.client.put(`/v1/users/${user.id}/role`, { role });
    expectProblem(answer, 400, 'validation_failed');
    expect(await row(user.id)).toMatchObject({ role: 'user' });
  });
});

describe('POST /v1/users/:id/disable and enable', () => {
  it('keeps a user out until he is enabled again', async () => {
    const disabled = await admin.client.post<UserBody>(`/v1/users/${user.id}/disable`);
    expect(disabled.status).toBe(200);
    expect(disabled.body.disabledAt).not.toBeNull();
    expectProblem(await user.client.get('/v1/users/me'), 401, 'invalid_token');
    const { email, password } = user;
    const refused = await user.client.post('/v1/auth/login', { email, password });
    expectProblem(refused, 401, 'invalid_credentials');

    const again = await admin.client.post<UserBody>(`/v1/users/${user.id}/disable`);
    expect(again.body.disabledAt).toBe(disabled.body.disabledAt);

    const enabled = await admin.client.post<UserBody>(`/v1/users/${user.id}/enable`);
    expect(enabled.body.disabledAt).toBeNull();
    expectProblem(await user.client.get('/v1/users/me'), 401, 'invalid_token');
    await expect(login(user.client, email, password)).resolves.toMatchObject({ expiresIn: 600 });
  });

  it('leaves an enabled user alone', async () => {
    expect((await admin.client.post(`/v1/users/${user.id}/enable`)).status).toBe(200);
    expect((await user.client.get('/v1/users/me')).status).toBe(200);
  });
});

describe('an id that nobody has', () => {
  it('is not found by any operation', async () => {
    const path = `/v1/users/${crypto.randomUUID()}`;
    const answers = [
      await admin.client.get(path),
      await admin.client.put(`${path}/role`, { role: 'admin' }),
      await admin.client.post(`${path}/disable`),
      await admin.client.post(`${path}/enable`),
    ];
    for (const answer of answers) expectProblem(answer, 404, 'not_found');
  });
});

describe('the last administrator', () => {
  it('cannot be demoted, disabled or deleted, and neither can his sessions end by trying', async () => {
    const shouted = admin.id.toUpperCase();
    const attempts = [
      await setRole(admin, admin.id, 'user'),
      await setRole(admin, shouted, 'user'),
      await admin.client.post(`/v1/users/${shouted}/disable`),
      await admin.client.post(`/v1/users/${admin.id}/disable`),
      await admin.client.delete('/v1/users/me', { currentPassword: admin.password }),
    ];
    for (const answer of attempts) expectProblem(answer, 409, 'last_administrator');
    expect(await row(admin.id)).toEqual({ role: 'admin', disabled_at: null });
    expect((await admin.client.get('/v1/users')).status).toBe(200);
  });

  it('is still the last while another one is disabled', async () => {
    const other = await createAdministrator(app);
    await admin.client.post(`/v1/users/${other.id}/disable`);
    expectProblem(await setRole(admin, admin.id, 'user'), 409, 'last_administrator');
    await setRole(admin, other.id, 'user');
    expect(await row(admin.id)).toMatchObject({ role: 'admin' });
  });

  it('may leave once there is another', async () => {
    const [leaving, demoted] = [await createAdministrator(app), await createAdministrator(app)];
    const { status } = await leaving.client.delete('/v1/users/me', {
      currentPassword: leaving.password,
    });
    expect(status).toBe(204);
    expect((await setRole(demoted, demoted.id, 'user')).status).toBe(200);
    expect(await row(leaving.id)).toEqual({ role: 'admin', disabled_at: expect.any(Date) });
  });
});
