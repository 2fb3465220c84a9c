import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { expectProblem } from './support/answers.js';
import { eventsOf, sealed } from './support/audit.js';
import { createAdministrator, login, signUp, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

const LOG = '/v1/audit-events';
const OWN = '/v1/users/me/security-events';

interface Item {
  id: string;
  recordedAt: string;
  event: string;
  outcome: string;
  userId: string | null;
  actorId: string | null;
  ip: string | null;
  by: string;
}
interface Page {
  items: Item[];
  nextCursor: string | null;
}

let app: TestApp;
let root: Person;
let ada: Person;
beforeAll(async () => {
  app = await startApp();
  [root, ada] = [await createAdministrator(app), await signUp(app)];
  for (let n = 0; n < 5; n += 1) await login(ada.client, ada.email, ada.password);
  await root.client.post(`/v1/users/${ada.id}/enable`);
});
afterAll(() => app.close());

const read = async (query: string, { client } = root) => {
  const { status, body } = await client.get<Page>(`${LOG}?${query}`);
  expect(status).toBe(200);
  return body;
};

describe('GET /v1/audit-events', () => {
  it('shows administrators all of it, newest first, page by page', async () => {
    const { items } = await read(`userId=${ada.id}&limit=100`);
    expect(items.length).toBeGreaterThanOrEqual(7);
    const times = items.map(({ recordedAt, id }) => recordedAt + id);
    expect(times).toEqual(times.toSorted().toReversed());
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = `userId=${ada.id}&event=authn_login_success&limit=2`;
      const page: Page = await read(cursor ? `${query}&cursor=${cursor}` : query);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(6);
    expect(seen).toHaveLength(6);
  });

  it.each([
    ['event', 'event=authz_admin', ({ event }: Item) => event === 'authz_admin'],
    ['outcome', 'outcome=success', ({ outcome }: Item) => outcome === 'success'],
    ['who', 'actorId=ROOT', ({ actorId }: Item) => actorId === root.id],
    ['to whom', 'userId=ADA', ({ userId }: Item) => userId === ada.id],
    ['from where', 'ip=IP', ({ ip }: Item) => ip === ada.client.ip],
    ['from where, in the form of IPv6', 'ip=::ffff:IP', ({ ip }: Item) => ip === ada.client.ip],
  ])('finds by %s', async (_what, query, isMeant) => {
    const filled = query
      .replace('ROOT', root.id)
      .replace('ADA', ada.id)
      .replace('IP', ada.client.ip);
    const { items } = await read(`${filled}&limit=100`);
    expect(items.length).toBeGreaterThan(0);
    expect(items.filter((item) => !isMeant(item))).toEqual([]);
  });

  it('finds by time', async () => {
    const [first] = (await read('limit=1')).items;
    const at = first?.recordedAt ?? '';
    const before = await read(`to=${at}&limit=100`);
    expect(before.items.every(({ recordedAt }) => recordedAt < at)).toBe(true);
    const after = await read(`from=${at}&limit=100`);
    expect(after.items.every(({ recordedAt }) => recordedAt >= at)).toBe(true);
    expect(after.items.length).toBeGreaterThan(0);
  });

  it.each([
    'event=nothing',
    'outcome=maybe',
    'ip=10.0.0.1%20OR%201=1',
    'ip=fe80::1%25eth0',
    'ip=10.0.0.1/8',
    'from=2026-02-30T00:00:00Z',
    'from=0000-01-01T00:00:00Z',
    'from=yesterday',
    'to=2026-01-01',
    'userId=me',
    'fact=x',
  ])('refuses ?%s', async (query) => {
    expectProblem(await root.client.get(`${LOG}?${query}`), 400, 'validation_failed');
  });

  it('is for administrators, and a cursor for its own filter', async () => {
    expectProblem(await ada.client.get(LOG), 403, 'forbidden');
    expectProblem(await app.client().get(LOG), 401, 'authentication_required');
    const { nextCursor } = await read('limit=1');
    const other = `${LOG}?limit=1&event=authz_admin&cursor=${nextCursor}`;
    expectProblem(await root.client.get(other), 400, 'invalid_cursor');
  });

  it('is itself recorded: who looked, and at whom', async () => {
    const grace = await signUp(app);
    await read(`userId=${grace.id}`);
    expect(await eventsOf(app, 'authz_admin', grace.id)).toMatchObject([
      { actorId: root.id, facts: { action: 'read_audit' } },
    ]);
  });
});

describe('GET /v1/users/me/security-events', () => {
  it('shows one’s own history, and of others that an administrator did it', async () => {
    const { status, body, text } = await ada.client.get<Page>(`${OWN}?limit=100`);
    expect(status).toBe(200);
    const signIns = body.items.filter(({ event }) => event === 'authn_login_success');
    expect(signIns).toHaveLength(6);
    for (const item of signIns) expect(item).toMatchObject({ by: 'you', ip: ada.client.ip });
    const enabled = body.items.find(({ event }) => event === 'authz_admin');
    expect(enabled).toMatchObject({ by: 'administrator', ip: null, outcome: 'success' });
    for (const secret of [root.id, root.client.ip, root.email]) expect(text).not.toContain(secret);
  });

  it('shows nobody else’s', async () => {
    const eve = await signUp(app);
    const { body } = await eve.client.get<Page>(`${OWN}?limit=100`);
    expect(body.items.map(({ event, by }) => [event, by])).toEqual([
      ['authn_login_success', 'you'],
    ]);
  });
});

describe("the app's role", () => {
  const asApp = async (statement: string) => {
    const error = await app.app
      .get(DataSource)
      .query(statement)
      .then(
        () => undefined,
        (reason: { code?: string }) => reason,
      );
    return error?.code;
  };
  const snapshot = () => app.database.query('SELECT count(*), max(recorded_at) FROM audit_events');

  it.each([
    `UPDATE audit_events SET facts = '{}'`,
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'DELETE FROM audit_events_default',
    `UPDATE audit_chain SET mac = ''`,
    'DELETE FROM audit_chain',
    'TRUNCATE audit_chain',
    `UPDATE audit_checkpoints SET statement = ''`,
    'DELETE FROM audit_checkpoints',
    'SELECT audit_drop_partitions(now())',
    'SELECT audit_make_partitions(1)',
    'ALTER TABLE audit_events DISABLE TRIGGER ALL',
    'ALTER TABLE audit_events DETACH PARTITION audit_events_default',
  ])('may not: %s', async (statement) => {
    const before = await snapshot();
    expect(await asApp(statement)).toBe('42501');
    expect(await snapshot()).toEqual(before);
  });
});

describe('a row', () => {
  it('holds nothing that its columns do not allow, whoever writes it', async () => {
    const insert = (column: string, value: string) =>
      app.database
        .query(
          `INSERT INTO audit_events (id, recorded_at, event, outcome, facts, mac)
           SELECT id, recorded_at, event, outcome, facts, mac FROM jsonb_populate_record(
             NULL::audit_events, jsonb_build_object('id', '${randomUUID()}', 'recorded_at', now(),
               'event', 'authz_fail', 'outcome', 'failure', 'facts', '{}'::jsonb,
               'mac', '\\x${'00'.repeat(32)}', $1::text, $2::jsonb))`,
          [column, value],
        )
        .then(
          () => 'written',
          ({ code }: { code: string }) => code,
        );
    expect(await insert('event', '"authz_fail\\n{\\"level\\":\\"fatal\\"}"')).toBe('23514');
    expect(await insert('outcome', '"unknown"')).toBe('23514');
    expect(await insert('facts', JSON.stringify({ a: 'x'.repeat(1_000) }))).toBe('23514');
    expect(await insert('facts', '[]')).toBe('23514');
    expect(await insert('mac', '"\\\\x00"')).toBe('23514');
  });

  it('holds no e-mail address and no secret, whatever was done', async () => {
    await sealed(app);
    const rows = await app.database.query('SELECT e::text FROM audit_events e');
    const all = JSON.stringify(rows);
    expect(all).not.toContain('@');
    for (const secret of [ada.password, ada.tokens.accessToken, ada.tokens.refreshToken])
      expect(all).not.toContain(secret);
  });
});
