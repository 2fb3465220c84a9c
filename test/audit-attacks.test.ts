import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { auditEvent, eventMac, insertEvent } from '../src/audit/audit-event.js';
import { headOf, sealNext } from '../src/audit/chain.js';
import { checkpointIfDue, newestCheckpoint, signCheckpoint } from '../src/audit/checkpoints.js';
import { describeFault } from '../src/audit/find-fault.js';
import { verifyChain } from '../src/audit/verify-chain.js';
import { Config } from '../src/config/config.js';
import { acrossOwners } from '../src/database/acting.js';
import { dataSourceOptions } from '../src/database/data-source-options.js';
import { writeAt } from './support/audit.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

/** No instance runs here: nobody seals but the test. */
let database: TestDatabase;
let config: Config;
let dataSource: DataSource;
const EVENTS = 12;
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  database = await createTestDatabase();
  config = new Config(testEnvironment(database.urls.app));
  dataSource = await new DataSource(dataSourceOptions(config)).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const sql = (text: string, values?: unknown[]) => database.query(text, values);
/** SQL that an injection runs. */
const asApp = (text: string, values: unknown[] = []) =>
  acrossOwners(() => dataSource.query(text, values));
const eventOf = (change: string) =>
  auditEvent('user_updated', { change, userId: randomUUID(), ip: '192.0.2.7' }, undefined);
const write = async (change: string) => {
  const event = eventOf(change);
  await insertEvent(dataSource, config.keys.audit.auditKey, event);
  return event;
};
/** In one statement. */
const writeMany = (count: number) => {
  const events = Array.from({ length: count }, () => eventOf('many'));
  return sql(
    `WITH added AS (
       INSERT INTO audit_events (id, recorded_at, user_id, mac, event, outcome, ip, facts)
       SELECT t.*, 'user_updated', 'success', '192.0.2.7', '{"change":"many"}'
       FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[]) t
       RETURNING recorded_at, id)
     INSERT INTO audit_unsealed SELECT * FROM added`,
    [
      events.map(({ id }) => id),
      events.map(({ recordedAt }) => recordedAt),
      events.map(({ userId }) => userId),
      events.map((event) => eventMac(config.keys.audit.auditKey, event)),
    ],
  );
};
const seal = () =>
  acrossOwners(() => dataSource.transaction((tx) => sealNext(tx, config.keys.audit.auditKey)));
const verify = (kept: string[] = []) => verifyChain(dataSource, config.keys.audit, { kept });
const checkpoint = async () => {
  const made = await dataSource.transaction((tx) =>
    checkpointIfDue(tx, config.keys.audit.checkpointKey, true),
  );
  return made?.statement ?? '';
};
const newest = async () => {
  const { manager } = dataSource;
  const found = await newestCheckpoint(
    manager,
    config.keys.audit.checkpointKey,
    await headOf(manager),
  );
  return found?.statement;
};
const emptyLog = () => sql('TRUNCATE audit_events, audit_unsealed, audit_chain, audit_checkpoints');

/** The event, with the mac that its columns would have if the mac had no key. */
const FORGED = `
  INSERT INTO audit_events (id, recorded_at, event, outcome, user_id, facts, mac)
  SELECT gen_random_uuid(), e.recorded_at + interval '1 millisecond', 'authz_admin', 'success', user_id, '{}',
    sha256(convert_to(id::text, 'UTF8'))
  FROM audit_events e JOIN audit_chain ON event_id = id WHERE seq = 5
  RETURNING id, recorded_at, mac`;

/** Anything, under an id that is sealed. */
const forgedId = (recordedAt = `recorded_at + interval '1 second'`) => `
  INSERT INTO audit_events (id, recorded_at, event, outcome, user_id, facts, mac)
  SELECT id, ${recordedAt}, 'privilege_permissions_changed', 'success', user_id, '{"role":"admin"}', mac
  FROM audit_events WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`;

beforeEach(async () => {
  await emptyLog();
  for (let n = 1; n <= EVENTS; n += 1) await write(`change ${n}`);
  await seal();
  expect(await verify()).toEqual({
    fault: null,
    events: EVENTS,
    late: { events: 0, first: null },
    from: 1,
    to: EVENTS,
  });
});

interface Expected {
  kind: string;
  seq: number | null;
}

describe('what the owner of the database does, without the key', () => {
  const ATTACKS: [what: string, statements: string[], expected: Expected][] = [
    [
      'changes a fact',
      [
        `UPDATE audit_events SET facts = '{"change":"nothing"}'
         WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`,
      ],
      { kind: 'changed', seq: 5 },
    ],
    [
      'changes who did it, and gives the event and its link the mac of another',
      [
        `UPDATE audit_events SET user_id = gen_random_uuid(),
           mac = (SELECT event_mac FROM audit_chain WHERE seq = 6)
         WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`,
        `UPDATE audit_chain SET event_mac = (SELECT event_mac FROM audit_chain WHERE seq = 6) WHERE seq = 5`,
      ],
      { kind: 'changed', seq: 5 },
    ],
    [
      'gives an address to an event that has none, as a network that no event has',
      [
        `UPDATE audit_events SET ip = '203.0.113.66/31'
         WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`,
      ],
      { kind: 'changed', seq: 5 },
    ],
    [
      'copies the mac of another link',
      [`UPDATE audit_chain SET mac = (SELECT mac FROM audit_chain WHERE seq = 6) WHERE seq = 5`],
      { kind: 'changed', seq: 5 },
    ],
    [
      'removes an event',
      [`DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`],
      { kind: 'removed', seq: 5 },
    ],
    [
      'removes an event and its link',
      [
        `DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`,
        `DELETE FROM audit_chain WHERE seq = 5`,
      ],
      { kind: 'removed', seq: 5 },
    ],
    [
      'removes both, and closes the gap',
      [
        `DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 5)`,
        `DELETE FROM audit_chain WHERE seq = 5`,
        `UPDATE audit_chain SET seq = seq + 1000 WHERE seq > 5`,
        `UPDATE audit_chain SET seq = seq - 1001 WHERE seq > 1000`,
      ],
      { kind: 'removed', seq: 5 },
    ],
    [
      'removes the first ones',
      [
        `DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_chain WHERE seq < 5)`,
        `DELETE FROM audit_chain WHERE seq < 5`,
      ],
      { kind: 'removed', seq: 1 },
    ],
    ['adds an event', [FORGED], { kind: 'added', seq: null }],
    ['adds one with the id of another', [forgedId()], { kind: 'added', seq: null }],
    [
      'adds a checkpoint',
      [`INSERT INTO audit_checkpoints (seq, statement) VALUES (9e15, 'x')`],
      { kind: 'added', seq: null },
    ],
    [
      'says that the log begins later',
      [`INSERT INTO audit_checkpoints (seq, is_anchor, statement) VALUES (4, true, 'x')`],
      { kind: 'added', seq: null },
    ],
    [
      'adds an event with a link that looks right',
      [
        `UPDATE audit_chain SET seq = seq + 1000 WHERE seq > 5`,
        `UPDATE audit_chain SET seq = seq - 999 WHERE seq > 1000`,
        `WITH forged AS (${FORGED})
         INSERT INTO audit_chain (seq, event_id, recorded_at, sealed_at, event_mac, mac)
         SELECT 6, id, recorded_at, now(), mac, sha256(mac) FROM forged`,
      ],
      { kind: 'added', seq: 6 },
    ],
    [
      'adds one at the end',
      [
        `WITH forged AS (${FORGED})
         INSERT INTO audit_chain (seq, event_id, recorded_at, sealed_at, event_mac, mac)
         SELECT 13, id, recorded_at, now(), mac, sha256(mac) FROM forged`,
      ],
      { kind: 'added', seq: 13 },
    ],
    [
      'has two events change places',
      [
        `UPDATE audit_chain SET seq = 1000 WHERE seq = 5`,
        `UPDATE audit_chain SET seq = 5 WHERE seq = 8`,
        `UPDATE audit_chain SET seq = 8 WHERE seq = 1000`,
      ],
      { kind: 'reordered', seq: 5 },
    ],
    [
      'has the events of two links change places',
      [
        `CREATE TEMP TABLE two AS SELECT * FROM audit_chain WHERE seq IN (5, 8)`,
        `DELETE FROM audit_chain WHERE seq IN (5, 8)`,
        `INSERT INTO audit_chain (seq, event_id, recorded_at, sealed_at, event_mac, mac)
         SELECT a.seq, b.event_id, b.recorded_at, b.sealed_at, b.event_mac, a.mac
         FROM two a JOIN two b ON b.seq = 13 - a.seq`,
        `DROP TABLE two`,
      ],
      { kind: 'changed', seq: 5 },
    ],
    [
      'drops a partition by hand',
      [
        `DO $$ BEGIN EXECUTE (
           SELECT format('DROP TABLE %s', tableoid::regclass) FROM audit_events LIMIT 1); END $$`,
      ],
      { kind: 'removed', seq: 1 },
    ],
    [
      'takes the seals away, so that the app would make new ones',
      [`DELETE FROM audit_chain WHERE seq > 4`, `UPDATE audit_events SET facts = '{}'`],
      { kind: 'changed', seq: 1 },
    ],
  ];

  it.each(ATTACKS)('%s: that is told, with the place', async (_what, statements, expected) => {
    // On one connection: a temporary table is of use.
    await sql(statements.join(';'));
    const { fault } = await verify();
    expect(fault).toMatchObject(expected);
    expect(fault && describeFault(fault)).toMatch(new RegExp(`^${expected.kind} `));
    await sql('SELECT audit_make_partitions(0)');
  });

  it('writes the whole chain anew, by the same rules, with a key of his own', async () => {
    const kept = await checkpoint();
    await emptyLog();
    const own = new Config({
      ...testEnvironment(database.urls.app),
      APP_SECRET: randomBytes(32).toString('base64url'),
    });
    const event = auditEvent('user_updated', { change: 'mine' }, undefined);
    await insertEvent(dataSource, own.keys.audit.auditKey, event);
    await acrossOwners(() => dataSource.transaction((tx) => sealNext(tx, own.keys.audit.auditKey)));
    expect((await verifyChain(dataSource, own.keys.audit)).fault).toBeNull();
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: 1 });
    expect((await verify([kept])).fault).toMatchObject({ kind: 'added', seq: 1 });
  });
});

describe('the end, cut off', () => {
  const cutFrom = async (seq: number) => {
    await sql(`DELETE FROM audit_events WHERE id IN (
      SELECT event_id FROM audit_chain WHERE seq >= ${seq})`);
    await sql('DELETE FROM audit_chain WHERE seq >= $1', [seq]);
  };

  it('is shown by a checkpoint of the database', async () => {
    await checkpoint();
    await cutFrom(9);
    expect((await verify()).fault).toMatchObject({ kind: 'cut off', seq: 9 });
  });

  it('is shown by one that was kept elsewhere, when those of the database are gone, too', async () => {
    const kept = await checkpoint();
    await cutFrom(9);
    await sql('DELETE FROM audit_checkpoints');
    expect((await verify()).fault).toBeNull();
    expect((await verify([kept])).fault).toMatchObject({ kind: 'cut off', seq: 9 });
  });

  it('is shown also when the app has gone on writing from there', async () => {
    const kept = await checkpoint();
    await cutFrom(9);
    await sql('DELETE FROM audit_checkpoints');
    for (let n = 0; n < 6; n += 1) await write('later');
    await seal();
    expect((await verify()).fault).toBeNull();
    expect((await verify([kept])).fault).toMatchObject({ kind: 'changed', seq: EVENTS });
  });

  it('is shown when all is gone', async () => {
    const kept = await checkpoint();
    await emptyLog();
    expect((await verify()).fault).toBeNull();
    expect((await verify([kept])).fault).toMatchObject({ kind: 'cut off', seq: 1 });
  });

  it('takes no checkpoint of somebody else for one of ours', async () => {
    const other = new Config({
      ...testEnvironment(database.urls.app),
      APP_SECRET: randomBytes(32).toString('base64url'),
    });
    const mac = createHash('sha256').update('x').digest();
    const forged = await signCheckpoint(other.keys.audit.checkpointKey, { seq: 99, mac });
    await expect(verify([forged])).rejects.toThrow('no checkpoint of this app');
    await sql('INSERT INTO audit_checkpoints (seq, statement) VALUES (99, $1)', [forged]);
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
    await sql('DELETE FROM audit_checkpoints');
    // Nor for leave to begin later.
    const anchor = await signCheckpoint(
      other.keys.audit.checkpointKey,
      { seq: 4, mac },
      new Date(),
    );
    await sql('INSERT INTO audit_checkpoints (seq, is_anchor, statement) VALUES (4, true, $1)', [
      anchor,
    ]);
    await sql('DELETE FROM audit_chain WHERE seq <= 4');
    expect((await verify()).fault).toMatchObject({ kind: 'removed', seq: 1 });
  });
});

describe('the sealer is no tool of his', () => {
  it('seals no event that the app did not write', async () => {
    await sql(`WITH forged AS (${FORGED})
      INSERT INTO audit_unsealed SELECT recorded_at, id FROM forged`);
    expect(await seal()).toMatchObject({ sealed: 0, refused: [expect.any(String)] });
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('seals no event that was changed while it waited', async () => {
    await write('before');
    await sql(
      `UPDATE audit_events SET facts = '{"change":"after"}' WHERE facts->>'change' = 'before'`,
    );
    expect(await seal()).toMatchObject({ sealed: 0, refused: [expect.any(String)] });
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('misses one that is gone, and goes on', async () => {
    const gone = await write('gone');
    await sql('DELETE FROM audit_events WHERE id = $1', [gone.id]);
    await write('stays');
    expect(await seal()).toMatchObject({ sealed: 1, refused: [gone.id] });
    expect(await verify()).toMatchObject({ fault: null, events: EVENTS + 1 });
  });

  it('seals none twice, and is not stopped by that', async () => {
    await asApp('INSERT INTO audit_unsealed SELECT recorded_at, event_id FROM audit_chain');
    await write('later');
    expect(await seal()).toMatchObject({ sealed: 1, refused: { length: EVENTS } });
    expect(await verify()).toMatchObject({ fault: null, events: EVENTS + 1 });
  });

  it('takes no mac of one event for another', async () => {
    await sql(`WITH forged AS (${forgedId()} RETURNING recorded_at, id)
      INSERT INTO audit_unsealed SELECT recorded_at, id FROM forged`);
    expect(await seal()).toMatchObject({ sealed: 0 });
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('seals what waited for days, and that it did so shows', async () => {
    const old = await writeAt({ database, config }, new Date(Date.now() - 50 * HOUR_MS));
    expect((await verify()).fault).toMatchObject({ kind: 'unsealed', eventId: old.id });
    expect(await seal()).toMatchObject({ sealed: 1, refused: [] });
    expect(await verify()).toMatchObject({
      fault: null,
      events: EVENTS + 1,
      late: { events: 1, first: EVENTS + 1 },
    });
    await sql('UPDATE audit_chain SET sealed_at = recorded_at WHERE seq = $1', [EVENTS + 1]);
    expect((await verify()).fault).toMatchObject({ seq: EVENTS + 1 });
  });

  it('has it shown when seals are taken away, and old events sealed anew', async () => {
    await writeAt({ database, config }, new Date(Date.now() - 50 * HOUR_MS));
    await sql('TRUNCATE audit_chain');
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
    await sql(
      'INSERT INTO audit_unsealed SELECT recorded_at, id FROM audit_events ON CONFLICT DO NOTHING',
    );
    await seal();
    expect(await verify()).toMatchObject({ fault: null, late: { events: 1, first: 1 } });
  });
});

describe('what somebody does who runs SQL as the app', () => {
  it('adds an event under the id of another: that is told', async () => {
    await asApp(forgedId());
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('writes no history, and nothing of days to come', async () => {
    for (const at of ['-2 hours', '2 hours', '400 days'])
      await expect(asApp(forgedId(`now() + interval '${at}'`))).rejects.toThrow(
        'row-level security',
      );
    expect((await verify()).fault).toBeNull();
  });

  it('hides no forgery behind many events that wait', async () => {
    await writeMany(10_001);
    expect((await verify()).fault).toBeNull();
    await asApp(forgedId(`now() + interval '30 minutes'`));
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('adds no statement that keeps the app from making its own', async () => {
    const far = `INSERT INTO audit_checkpoints (seq, statement) VALUES (9e15, 'x'), ($1, 'y')`;
    await asApp(far, [EVENTS + 1]);
    const kept = await checkpoint();
    expect(await newest()).toBe(kept);
    await write('later');
    expect(await seal()).toMatchObject({ sealed: 1 });
    // Its place is taken; the log has it nevertheless.
    expect(await checkpoint()).toMatch(/^eyJ/);
    expect(await newest()).toBe(kept);
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('puts no statement of ours in another place', async () => {
    await checkpoint();
    await asApp(`INSERT INTO audit_checkpoints (seq, statement)
      SELECT seq - 1, statement FROM audit_checkpoints`);
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });
});

describe('an address', () => {
  it.each([
    ['::ffff:c000:207', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['0:0:0:0:0:ffff:c000:0207', '192.0.2.7'],
    ['::c000:207', '::192.0.2.7'],
    ['2001:0DB8:0:0:0:0:0:0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%25eth0', 'fe80::1'],
    ['192.0.2.7:4711', '192.0.2.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[::ffff:192.0.2.7]', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.02.7', null],
    ['192.0.2.7/24', null],
    ['unknown', null],
    ['', null],
  ])('%s is stored as %s, and its event is the one that the app wrote', async (ip, stored) => {
    const event = auditEvent('user_updated', { change: 'x', ip }, undefined);
    await insertEvent(dataSource, config.keys.audit.auditKey, event);
    const rows = await sql('SELECT host(ip) AS ip FROM audit_events WHERE id = $1', [event.id]);
    expect(rows).toEqual([{ ip: stored }]);
    expect(await seal()).toMatchObject({ sealed: 1, refused: [] });
    expect((await verify()).fault).toBeNull();
  });
});
