import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Actor } from '../src/access/actor.js';
import { Housekeeping } from '../src/database/housekeeping.js';
import { acrossOwners } from '../src/database/acting.js';
import { ExportDownloadsService } from '../src/exports/export-downloads.service.js';
import { addResources } from './support/sealed-rows.js';
import { jobsOf, linkOf } from './support/jobs.js';
import { countStatuses, expectProblem } from './support/answers.js';
import { signInAgain } from './support/auth.js';
import { createResource, newPassword, share, signUp, type Person } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { mailedToken } from './support/mailed-links.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const EXPORTS = '/v1/users/me/exports';
const DOWNLOAD = '/v1/auth/download-export';
const AT_ONCE = 50;
const CROWD = 1_500;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

interface Export {
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

/** Asks for a copy, and reads the mail. */
async function exported(person: Person): Promise<string> {
  expect((await request(person)).status).toBe(202);
  await until(async () => ((await rowOf(person))?.['ready_at'] ?? null) !== null, 'an export');
  return mailedToken(app.database, person.email);
}
const download = ({ client }: Pick<Person, 'client'>, token: string) =>
  client.post<Document>(DOWNLOAD, { token });
const linksOf = ({ id }: Person) =>
  app.database.query(`SELECT FROM mail_links WHERE user_id = $1 AND purpose = 'download_export'`, [
    id,
  ]);
/** A day later, as far as the copy and its link can tell. */
const expire = async ({ id }: Person) => {
  await app.database.query('UPDATE exports SET expires_at = now() WHERE user_id = $1', [id]);
  await app.database.query('UPDATE mail_links SET expires_at = now() WHERE user_id = $1', [id]);
};
/** As if made by the API, which would take a minute. */
const addCrowd = ({ id }: Person) => addResources(app.database, id, CROWD, 'é'.repeat(2_000));

describe('POST /v1/users/me/exports', () => {
  it('is forgotten with its link when one leaves, so that who comes back may ask again', async () => {
    const ada = await signUp(app);
    await exported(ada);
    const answer = await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
    expect(answer.status).toBe(204);
    expect(await linksOf(ada)).toEqual([]);
    expect(await rowOf(ada)).toBeUndefined();
  });

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
    const mails = await jobsOf(app.database, ada.email);
    const mail = mails.find(({ data }) => data.template === 'exportReady');
    expect(mail && linkOf(mail)).toMatch(
      /^http:\/\/localhost:3000\/account\/download-export#[\w-]{43}$/,
    );
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
    await addCrowd(ada);
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
    await expire(ada);
    await app.database.query('DELETE FROM login_failures');
    expect((await request(ada)).status).toBe(202);
  });
});

describe('POST /v1/auth/download-export', () => {
  it('gives it to its owner only, signed in: to nobody else with the same link', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const [token, ofEve] = [await exported(ada), await exported(eve)];
    expectProblem(await download(eve, token), 400, 'invalid_link');
    expectProblem(await download({ client: app.client() }, token), 401, 'authentication_required');
    expectProblem(await download(ada, ofEve), 400, 'invalid_link');
    expect([await linksOf(ada), await linksOf(eve)]).toMatchObject([{ length: 1 }, { length: 1 }]);
    expect((await download(await signInAgain(app, ada), token)).status).toBe(200);
  });

  it('lets one of fifty parallel uses win', async () => {
    const ada = await signUp(app);
    const token = await exported(ada);
    const elsewhere = () => ({ client: app.client().withToken(ada.tokens.accessToken) });
    const uses = Array.from({ length: AT_ONCE }, () => download(elsewhere(), token));
    expect(countStatuses(await Promise.all(uses))).toEqual({ 200: 1, 400: AT_ONCE - 1 });
  });

  it('is good for nothing else, and no other link is good for it', async () => {
    const ada = await signUp(app);
    const token = await exported(ada);
    const forgotten = await linkToken(app.app, ada.email);
    const reset = { token, newPassword: newPassword() };
    for (const answer of [
      await app.client().post('/v1/auth/reset-password', reset),
      await app.client().post('/v1/auth/cancel-deletion', reset),
      await download(ada, forgotten),
      await download(ada, `${token}=`),
    ])
      expectProblem(answer, 400, 'invalid_link');
    expect((await download(ada, token)).status).toBe(200);
  });

  it('changes nothing when its page is opened, as mail scanners do', async () => {
    const ada = await signUp(app);
    const token = await exported(ada);
    const page = await app.client().get('/account/download-export');
    expect([page.status, page.text.includes(DOWNLOAD)]).toEqual([200, true]);
    expect((await ada.client.get(DOWNLOAD)).status).toBe(405);
    expect(await linksOf(ada)).toHaveLength(1);
    expect((await download(ada, token)).status).toBe(200);
  });

  it('leaves the copy there for an hour: then one may ask for another', async () => {
    const ada = await signUp(app);
    await download(ada, await exported(ada));
    const { expires_at: expiresAt } = (await rowOf(ada)) as { expires_at: Date };
    const minutes = (expiresAt.getTime() - Date.now()) / 60_000;
    expect([minutes > 59, minutes <= 60]).toEqual([true, true]);
    expectProblem(await request(ada), 409, 'export_exists');
    await expire(ada);
    expect((await download(ada, await exported(ada))).status).toBe(200);
  });

  it('breaks off when the copy is deleted meanwhile: what ends early does not look whole', async () => {
    const ada = await signUp(app);
    await addCrowd(ada);
    const token = await exported(ada);
    const actor = { userId: ada.id } as Actor;
    const open = () => app.app.get(ExportDownloadsService).open(actor, token);
    const { resources } = await acrossOwners(open);
    const read = async () => {
      for await (const { title } of resources)
        if (title === '1')
          await app.database.query('DELETE FROM exports WHERE user_id = $1', [ada.id]);
    };
    await expect(read()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('has nothing when the account was left and kept meanwhile', async () => {
    const ada = await signUp(app);
    const token = await exported(ada);
    await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
    const password = newPassword();
    const kept = { token: await mailedToken(app.database, ada.email), newPassword: password };
    expect((await app.client().post('/v1/auth/cancel-deletion', kept)).status).toBe(204);
    expectProblem(
      await download(await signInAgain(app, { ...ada, password }), token),
      400,
      'invalid_link',
    );
  });

  it('has nothing of one that has expired, and the sweep deletes it with its parts', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    const tokens = [await exported(ada), await exported(bob)];
    const kept = (await rowOf(bob))?.['id'];
    const ids = [(await rowOf(ada))?.['id'], kept];
    await expire(ada);
    expectProblem(await download(ada, tokens[0] ?? ''), 400, 'invalid_link');
    await app.app.get(Housekeeping).run();
    const left = await app.database.query<{ id: string }>(
      'SELECT DISTINCT export_id AS id FROM export_parts WHERE export_id = ANY($1)',
      [ids],
    );
    expect(left).toEqual([{ id: kept }]);
    expect(await rowOf(ada)).toBeUndefined();
  });
});
