import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Housekeeping } from '../src/database/housekeeping.js';
import { countStatuses, expectProblem } from './support/answers.js';
import { signInAgain } from './support/auth.js';
import { createResource, newPassword, share, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const EXPORTS = '/v1/users/me/exports';
const AT_ONCE = 50;
const CROWD = 1_500;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

interface Export {
  id: string;
  createdAt: string;
  expiresAt: string;
}
interface Item {
  id: string;
  title: string;
  content: string;
  sharedWith: { userId: string; permission: string }[];
}
interface Document {
  [field: string]: unknown;
  isComplete: boolean;
  email: string;
  sessions: { id: string; network: string | null }[];
  resources: Item[];
  sharedWithMe: { resourceId: string; userId: string }[];
}

const request = ({ client, password }: Person) =>
  client.post<Export>(EXPORTS, { currentPassword: password });
const rowOf = async ({ id }: Person) =>
  (await app.database.query('SELECT * FROM exports WHERE user_id = $1', [id]))[0];

async function exported(person: Person): Promise<string> {
  const { status, body } = await request(person);
  expect(status).toBe(202);
  await until(async () => ((await rowOf(person))?.['ready_at'] ?? null) !== null, 'an export');
  return body.id;
}
const download = ({ client }: Pick<Person, 'client'>, id: string) =>
  client.get<Document>(`${EXPORTS}/${id}`);
const expire = (id: string) =>
  app.database.query('UPDATE exports SET expires_at = now() WHERE id = $1', [id]);

describe('POST /v1/users/me/exports', () => {
  it('writes all that is mine, says by mail when it is ready, and lets me download it', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [own, foreign] = [await createResource(ada), await createResource(bob)];
    await share(ada, own.id, bob, 'write');
    await share(bob, foreign.id, ada, 'read');
    const answer = await download(ada, await exported(ada));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="export.json"');
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const { resources, sharedWithMe, sessions, ...head } = answer.body;
    expect(head).toMatchObject({ isComplete: true, id: ada.id, email: ada.email, role: 'user' });
    expect(resources).toEqual([
      {
        id: own.id,
        title: own.title,
        content: own.content,
        labels: [],
        version: 1,
        createdAt: own.createdAt,
        updatedAt: own.updatedAt,
        sharedWith: [{ userId: bob.id, permission: 'write', createdAt: expect.any(String) }],
      },
    ]);
    expect(sharedWithMe).toMatchObject([{ resourceId: foreign.id, userId: bob.id }]);
    expect(sessions).toHaveLength(1);
    const [mail] = await app.database.query<{ link: string }>(
      `SELECT data->'values'->>'link' AS link FROM pgboss.job
       WHERE data->>'to' = $1 AND data->>'template' = 'exportReady'`,
      [ada.email],
    );
    expect(mail?.link).toMatch(/^http:\/\/localhost:3000\/v1\/users\/me\/exports\/[\w-]{36}$/);
  });

  it('holds no hash, no token, and of others nothing but their ids', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const foreign = await createResource(bob);
    await share(bob, foreign.id, ada, 'write');
    await share(ada, (await createResource(ada)).id, bob, 'read');
    const { text } = await download(ada, await exported(ada));
    const rows = await app.database.query<{ text: string }>(
      `SELECT password_hash AS text FROM users WHERE id = $1
       UNION ALL SELECT encode(token_hash, 'hex') FROM refresh_tokens
       UNION ALL SELECT encode(token_hash, 'base64') FROM refresh_tokens`,
      [ada.id],
    );
    const secrets = rows.map((row) => row.text);
    const others = [bob.email, foreign.title, foreign.content];
    expect([...secrets, ...others].filter((one) => text.includes(one))).toEqual([]);
    expect(text).not.toMatch(/hash|token|password|argon/i);
  });

  it('comes in pages, in order and whole, however much there is', async () => {
    const ada = await signUp(app);
    await app.database.query(
      `INSERT INTO resources (owner_id, title, content)
       SELECT $1, n::text, repeat('é', 2000) FROM generate_series(1, $2::int) n`,
      [ada.id, CROWD],
    );
    const { body } = await download(ada, await exported(ada));
    expect(new Set(body.resources.map(({ title }) => title)).size).toBe(CROWD);
    expect(body.resources).toHaveLength(CROWD);
    expect(body.resources.every(({ content }) => content === 'é'.repeat(2000))).toBe(true);
  });

  it('needs the password, and writes nothing without it', async () => {
    const ada = await signUp(app);
    const wrong = { currentPassword: newPassword() };
    expectProblem(await ada.client.post(EXPORTS, wrong), 400, 'wrong_password');
    expectProblem(await ada.client.post(EXPORTS, {}), 400, 'validation_failed');
    expect(await rowOf(ada)).toBeUndefined();
  });

  it('makes one of fifty that are asked for at once, and no other until it has expired', async () => {
    const ada = await signUp(app);
    await request(ada);
    const before = await rowOf(ada);
    expectProblem(await request(ada), 409, 'export_exists');
    expect(await rowOf(ada)).toMatchObject({ id: before?.['id'] });
    await app.database.query('DELETE FROM exports WHERE user_id = $1', [ada.id]);
    // Each from an address of its own: as many as pass the counter of failures, the constraint decides.
    const elsewhere = () => ({ ...ada, client: app.client().withToken(ada.tokens.accessToken) });
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => request(elsewhere())));
    const { 202: made = 0, 409: refused = 0, 429: counted = 0 } = countStatuses(answers);
    expect([made, made + refused + counted, refused > 5]).toEqual([1, AT_ONCE, true]);
    await expire(String((await rowOf(ada))?.['id']));
    await app.database.query('DELETE FROM login_failures');
    expect((await request(ada)).status).toBe(202);
  });
});

describe('GET /v1/users/me/exports/:id', () => {
  it('gives it to its owner only: a foreign one is missing, for an administrator too', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const id = await exported(ada);
    expectProblem(await download(eve, id), 404, 'not_found');
    expectProblem(await download(eve, crypto.randomUUID()), 404, 'not_found');
    expectProblem(await app.client().get(`${EXPORTS}/${id}`), 401, 'authentication_required');
    expect((await download(await signInAgain(app, ada), id)).status).toBe(200);
  });

  it('has nothing of one that is not ready', async () => {
    const ada = await signUp(app);
    const [row] = await app.database.query<{ id: string }>(
      `INSERT INTO exports (user_id, expires_at) VALUES ($1, now() + interval '1 hour')
       RETURNING id`,
      [ada.id],
    );
    expectProblem(await download(ada, row?.id ?? ''), 404, 'not_found');
  });

  it('has nothing of one that has expired, and the sweep deletes it with its parts', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const [old, kept] = [await exported(ada), await exported(bob)];
    await expire(old);
    expectProblem(await download(ada, old), 404, 'not_found');
    await app.app.get(Housekeeping).run();
    const left = await app.database.query<{ id: string }>(
      'SELECT DISTINCT export_id AS id FROM export_parts WHERE export_id = ANY($1)',
      [[old, kept]],
    );
    expect(left).toEqual([{ id: kept }]);
    expect(await rowOf(ada)).toBeUndefined();
  });
});
