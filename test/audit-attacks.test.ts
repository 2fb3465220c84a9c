import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { auditEvent, insertEvent } from '../src/audit/audit-event.js';
import { sealNext } from '../src/audit/chain.js';
import { checkpointIfDue, signCheckpoint } from '../src/audit/checkpoints.js';
import { describeFault } from '../src/audit/find-fault.js';
import { verifyChain } from '../src/audit/verify-chain.js';
import { Config } from '../src/config/config.js';
import { acrossOwners } from '../src/database/acting.js';
import { dataSourceOptions } from '../src/database/data-source-options.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

/** No instance runs here: nobody seals but the test. */
let database: TestDatabase;
let config: Config;
let dataSource: DataSource;
const EVENTS = 12;

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
const write = (change: string) =>
  insertEvent(
    dataSource,
    config.keys.audit.auditKey,
    auditEvent('user_updated', { change, userId: randomUUID(), ip: '192.0.2.7' }, undefined),
  );
const seal = () =>
  acrossOwners(() => dataSource.transaction((tx) => sealNext(tx, config.keys.audit.auditKey)));
const verify = (kept: string[] = []) => verifyChain(dataSource, config.keys.audit, { kept });
const checkpoint = async () => {
  const made = await dataSource.transaction((tx) =>
    checkpointIfDue(tx, config.keys.audit.checkpointKey, true),
  );
  return made?.statement ?? '';
};
const emptyLog = () => sql('TRUNCATE audit_events, audit_unsealed, audit_chain, audit_checkpoints');

/** The event, with the mac that its columns would have if the mac had no key. */
const FORGED = `
  INSERT INTO audit_events (id, recorded_at, event, outcome, user_id, facts, mac)
  SELECT gen_random_uuid(), e.recorded_at + interval '1 millisecond', 'authz_admin', 'success', user_id, '{}',
    sha256(convert_to(id::text, 'UTF8'))
  FROM audit_events e JOIN audit_chain ON event_id = id WHERE seq = 5
  RETURNING id, recorded_at, mac`;

beforeEach(async () => {
  await emptyLog();
  for (let n = 1; n <= EVENTS; n += 1) await write(`change ${n}`);
  await seal();
  expect(await verify()).toEqual({ fault: null, events: EVENTS, from: 1, to: EVENTS });
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
    [
      'adds an event with a link that looks right',
      [
        `UPDATE audit_chain SET seq = seq + 1000 WHERE seq > 5`,
        `UPDATE audit_chain SET seq = seq - 999 WHERE seq > 1000`,
        `WITH forged AS (${FORGED})
         INSERT INTO audit_chain (seq, event_id, recorded_at, event_mac, mac)
         SELECT 6, id, recorded_at, mac, sha256(mac) FROM forged`,
      ],
      { kind: 'added', seq: 6 },
    ],
    [
      'adds one at the end',
      [
        `WITH forged AS (${FORGED})
         INSERT INTO audit_chain (seq, event_id, recorded_at, event_mac, mac)
         SELECT 13, id, recorded_at, mac, sha256(mac) FROM forged`,
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
        `INSERT INTO audit_chain (seq, event_id, recorded_at, event_mac, mac)
         SELECT a.seq, b.event_id, b.recorded_at, b.event_mac, a.mac
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
    expect((await verify()).fault).toBeNull();
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

  it('seals no event that was changed while it waited, and misses one that is gone', async () => {
    await write('before');
    await write('gone');
    await sql(
      `UPDATE audit_events SET facts = '{"change":"after"}' WHERE facts->>'change' = 'before'`,
    );
    await sql(`DELETE FROM audit_events WHERE facts->>'change' = 'gone'`);
    expect(await seal()).toMatchObject({
      sealed: 0,
      refused: [expect.anything(), expect.anything()],
    });
    expect((await verify()).fault).toMatchObject({ kind: 'added', seq: null });
  });

  it('seals nothing anew that is older than a day', async () => {
    await sql('DELETE FROM audit_chain');
    const old = auditEvent('user_updated', { change: 'old' }, undefined);
    old.recordedAt = new Date(Date.now() - 25 * 3_600_000);
    await insertEvent(dataSource, config.keys.audit.auditKey, old);
    await sql(
      'INSERT INTO audit_unsealed SELECT recorded_at, id FROM audit_events ON CONFLICT DO NOTHING',
    );
    expect(await seal()).toMatchObject({ sealed: EVENTS, refused: [old.id] });
    expect((await verify()).fault).toMatchObject({ kind: 'added', eventId: old.id });
  });
});
