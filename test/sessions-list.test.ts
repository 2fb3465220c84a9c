import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { withClient } from '../src/database/provision.js';
import { expectProblem, walk, type Page } from './support/answers.js';
import { liveSessions, refresh, signInAgain, statusFor, tryLogin } from './support/auth.js';
import { Client, type Answer } from './support/client.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { untilWaiting } from './support/waiting.js';

interface Session {
  id: string;
  device: string;
  network: string | null;
  createdAt: string;
  lastUsedAt: string;
  current: boolean;
}

const OWN = '/v1/users/me/sessions';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
});
afterAll(() => app.close());

const list = async ({ client }: Pick<Person, 'client'>, path = OWN) =>
  (await client.get<Page<Session>>(path)).body.items;
const idsOf = async (person: Pick<Person, 'client'>) => (await list(person)).map(({ id }) => id);
const logInFrom = ({ email, password }: Person, ip: string, userAgent = FIREFOX) =>
  new Client(app.url, ip).post('/v1/auth/login', { email, password }, { 'user-agent': userAgent });
const update = (text: string, userId: string) => app.database.query(text, [userId]);

describe('GET /v1/users/me/sessions', () => {
  it('shows device, network, times and which one asks, newest first, and nothing else', async () => {
    const person = await signUp(app);
    await logInFrom(person, '198.51.100.77');
    const items = await list(person);
    expect(items).toEqual([
      {
        id: expect.any(String),
        device: 'Firefox on Linux',
        network: '198.51.100.0/24',
        createdAt: expect.stringMatching(/Z$/),
        lastUsedAt: expect.stringMatching(/Z$/),
        current: false,
      },
      expect.objectContaining({ device: 'Unknown device', current: true }),
    ]);
    expect(Object.keys(items[0] ?? {})).toHaveLength(6);
  });

  it.each([
    ['203.0.113.250', '203.0.113.0/24'],
    ['::ffff:203.0.113.250', '203.0.113.0/24'],
    ['2001:db8:abcd:12:1:2:3:4', '2001:db8:abcd::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['fe80::1', 'fe80::/48'],
    ['::1', '::/48'],
    ['999.1.1.1', null],
    ['unknown', null],
    ["' OR 1=1 --", null],
  ])('never holds a whole address, and takes what is none: %s', async (ip, network) => {
    const person = await signUp(app);
    expect((await logInFrom(person, ip)).status).toBe(200);
    expect((await list(person))[0]?.network).toBe(network);
    const rows = await app.database.query('SELECT * FROM sessions WHERE user_id = $1', [person.id]);
    if (network) expect(JSON.stringify(rows)).not.toContain(ip);
  });

  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36 Edg/140.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on macOS',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['curl/8.14.1', 'curl'],
    ['Windows', 'Windows'],
    ['call +1 555 0100 or open https://evil.example', 'Unknown device'],
    [`Firefox/1 <script>alert(1)</script> https://evil.example`, 'Firefox'],
    ['x'.repeat(8_000), 'Unknown device'],
  ])('names a device in words of ours: %.60s', async (userAgent, device) => {
    const person = await signUp(app);
    await logInFrom(person, '198.51.100.1', userAgent);
    expect((await list(person))[0]?.device).toBe(device);
    const rows = await app.database.query('SELECT * FROM sessions WHERE user_id = $1', [person.id]);
    expect(JSON.stringify(rows)).not.toContain('evil');
  });

  it('comes in pages, each session once, and another list’s cursor is refused', async () => {
    const [person, other] = [await signUp(app), await signUp(app)];
    for (let more = 0; more < 4; more += 1) await logInFrom(person, '198.51.100.1');
    const read = (cursor: string | null) =>
      person.client.get<Page<Session>>(`${OWN}?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    const all = await walk(read);
    expect(all.map(({ id }) => id)).toEqual(await idsOf(person));
    expect(new Set(all.map(({ id }) => id)).size).toBe(5);
    const { nextCursor } = (await read(null)).body;
    const stolen = await other.client.get(`${OWN}?cursor=${nextCursor}`);
    expectProblem(stolen, 400, 'invalid_cursor');
  });

  it('shows nobody else’s', async () => {
    const [person, other] = [await signUp(app), await signUp(app)];
    expect(await idsOf(person)).not.toEqual(await idsOf(other));
    expect(await list(person)).toHaveLength(1);
  });

  it('has a session as long as refresh continues it, and no longer', async () => {
    const ages: [what: string, sql: string, live: boolean][] = [
      ['6 days unused', `created_at = now() - interval '6 days 23 hours'`, true],
      ['8 days unused', `created_at = now() - interval '7 days 1 second'`, false],
    ];
    for (const [what, sql, live] of ages) {
      const person = await signUp(app);
      const aged = await signInAgain(app, person);
      await update(
        `UPDATE refresh_tokens SET ${sql} WHERE session_id = (
           SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1)`,
        person.id,
      );
      expect([what, (await list(person)).length]).toEqual([what, live ? 2 : 1]);
      const { status } = await refresh(app.client(), aged.tokens.refreshToken);
      expect([what, status]).toEqual([what, live ? 200 : 401]);
    }
  });

  it('has none that is past its last day', async () => {
    const person = await signUp(app);
    const { tokens } = await signInAgain(app, person);
    await update(
      `UPDATE sessions SET expires_at = now() WHERE id = (
         SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1)`,
      person.id,
    );
    expect(await list(person)).toHaveLength(1);
    expect((await refresh(app.client(), tokens.refreshToken)).status).toBe(401);
  });

  it('says when a session was last used: refresh does', async () => {
    const person = await signUp(app);
    await update(
      `UPDATE refresh_tokens SET created_at = now() - interval '2 days' WHERE session_id IN (
         SELECT id FROM sessions WHERE user_id = $1)`,
      person.id,
    );
    const [before] = await list(person);
    await refresh(app.client(), person.tokens.refreshToken);
    const [after] = await list(person);
    expect(Date.parse(before?.lastUsedAt ?? '')).toBeLessThan(Date.now() - 86_400_000);
    expect(Date.parse(after?.lastUsedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(after?.createdAt).toBe(before?.createdAt);
  });
});

describe('DELETE /v1/users/me/sessions/:id', () => {
  it('ends that session at once, and no other', async () => {
    const person = await signUp(app);
    const phone = await signInAgain(app, person);
    const [id] = await idsOf(person);
    expect((await person.client.delete(`${OWN}/${id}`)).status).toBe(204);
    expectProblem(await phone.client.get('/v1/users/me'), 401, 'invalid_token');
    expect((await refresh(app.client(), phone.tokens.refreshToken)).status).toBe(401);
    expect(await idsOf(person)).toHaveLength(1);
    expect(await statusFor(app, person.tokens.accessToken)).toBe(200);
  });

  it('ends the one that asks, too', async () => {
    const person = await signUp(app);
    const [id] = await idsOf(person);
    expect((await person.client.delete(`${OWN}/${id}`)).status).toBe(204);
    expectProblem(await person.client.get(OWN), 401, 'invalid_token');
  });

  it('answers the same for another’s, a missing one and one that is over, and ends none', async () => {
    const [person, victim] = [await signUp(app), await signUp(app)];
    const phone = await signInAgain(app, person);
    const [ended = ''] = await idsOf(person);
    await phone.client.post('/v1/auth/logout');
    const [foreign = ''] = await idsOf(victim);
    for (const id of [foreign, randomUUID(), ended])
      expectProblem(await person.client.delete(`${OWN}/${id}`), 404, 'not_found');
    // Nor does an administrator end another's this way.
    expectProblem(await admin.client.delete(`${OWN}/${foreign}`), 404, 'not_found');
    expect(await liveSessions(app, victim.id)).toHaveLength(1);
    expect(await statusFor(app, victim.tokens.accessToken)).toBe(200);
  });
});

describe('an administrator', () => {
  /** Sends what then waits for the lock of another transaction, and lets that one commit. */
  const whileHeld = (
    lock: string,
    { id }: Person,
    send: () => Promise<Answer>,
    meanwhile: () => Promise<unknown> = async () => {},
  ) =>
    withClient(app.database.urls.owner, async (holder) => {
      await holder.query('BEGIN');
      await holder.query(lock, [id]);
      const answer = send();
      await untilWaiting(app.database, 1);
      await meanwhile();
      await holder.query('COMMIT');
      return () => answer;
    });
  const pathOf = ({ id }: { id: string }) => `/v1/users/${id}/sessions`;

  it('sees the sessions of a user, none of them his own', async () => {
    const person = await signUp(app);
    const items = await list(admin, pathOf(person));
    expect(items.map(({ id, current }) => [id, current])).toEqual([
      [(await idsOf(person))[0], false],
    ]);
  });

  it('ends them all at once, and nobody else’s', async () => {
    const [person, bystander] = [await signUp(app), await signUp(app)];
    const phone = await signInAgain(app, person);
    expect((await admin.client.delete(pathOf(person))).status).toBe(204);
    for (const { tokens } of [person, phone]) {
      expect(await statusFor(app, tokens.accessToken)).toBe(401);
      expect((await refresh(app.client(), tokens.refreshToken)).status).toBe(401);
    }
    expect(await statusFor(app, bystander.tokens.accessToken)).toBe(200);
    expect((await tryLogin(person.client, person.email, person.password)).status).toBe(200);
  });

  it('finds nobody who is not there', async () => {
    for (const method of ['GET', 'DELETE'])
      expectProblem(
        await admin.client.send(method, pathOf({ id: randomUUID() })),
        404,
        'not_found',
      );
  });

  it('ends none any more once he was demoted while he asked', async () => {
    const [person, former] = [await signUp(app), await createAdministrator(app)];
    const demote = `UPDATE users SET role = 'user' WHERE id = $1`;
    const answer = await whileHeld(demote, former, () => former.client.delete(pathOf(person)));
    expectProblem(await answer(), 403, 'forbidden');
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it('leaves no session to a sign-in that was under way', async () => {
    const person = await signUp(app);
    const share = 'SELECT FROM users WHERE id = $1 FOR SHARE';
    const answer = await whileHeld(
      share,
      person,
      () => admin.client.delete(pathOf(person)),
      () => logInFrom(person, '198.51.100.1'),
    );
    expect((await answer()).status).toBe(204);
    expect(await liveSessions(app, person.id)).toEqual([]);
  });

  it('is one: a user gets neither', async () => {
    const [person, eve] = [await signUp(app), await signUp(app)];
    expectProblem(await eve.client.get(pathOf(person)), 403, 'forbidden');
    expectProblem(await eve.client.delete(pathOf(person)), 403, 'forbidden');
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });
});
