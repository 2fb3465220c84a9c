import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Sealer } from '../src/audit/sealer.service.js';
import { SecurityLog } from '../src/audit/security-log.js';
import { eventsOf, sealed, verify } from './support/audit.js';
import { signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { until, untilWaiting } from './support/waiting.js';

let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
});
afterAll(async () => {
  await other.close();
  await app.close();
});

const query = (text: string, values?: unknown[]) => app.database.query(text, values);

/** What an instance leaves behind when it stops. */
const leftOf = (database: TestDatabase) =>
  database.query(`SELECT (SELECT count(*)::int FROM audit_unsealed) AS unsealed,
    (SELECT count(*)::int FROM audit_chain WHERE seq > (SELECT max(seq) FROM audit_checkpoints))
      AS "behindTheCheckpoint"`);

/** One event in a transaction of its own, as services write them. */
const write = ({ app: instance }: TestApp, change: string) =>
  instance
    .get(DataSource)
    .transaction((tx) => instance.get(SecurityLog).record(tx, 'user_updated', { change }));

describe('sealing', () => {
  it('seals 50 events at once by two instances, each once, in one chain without a gap', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_none, n) => write(n % 2 ? app : other, `parallel ${n}`)),
    );
    await Promise.all([sealed(app), sealed(other), app.app.get(Sealer).run()]);
    const [counts] = await query(`
      SELECT count(*)::int AS links, count(DISTINCT event_id)::int AS events, max(seq)::int AS last,
        (SELECT count(*)::int FROM audit_events) AS written FROM audit_chain`);
    expect(counts).toEqual({
      links: counts?.['written'],
      events: counts?.['written'],
      last: counts?.['written'],
      written: expect.any(Number),
    });
    expect(counts?.['written']).toBeGreaterThanOrEqual(50);
    expect(await verify(app)).toMatchObject({ fault: null, events: counts?.['written'] });
  });

  it('misses nothing that commits late, and waits for nobody', async () => {
    const commits: (() => void)[] = [];
    const late = app.app.get(DataSource).transaction(async (tx) => {
      await app.app.get(SecurityLog).record(tx, 'user_updated', { change: 'late' });
      await new Promise<void>((resolve) => commits.push(resolve));
    });
    await until(() => commits.length > 0, 'an event that is not committed');
    await write(app, 'early');
    await sealed(app);
    const linked = () =>
      query(`SELECT facts->>'change' AS change FROM audit_chain JOIN audit_events e ON e.id = event_id
        WHERE facts->>'change' IN ('late', 'early') ORDER BY seq`);
    expect(await linked()).toEqual([{ change: 'early' }]);
    commits[0]?.();
    await late;
    await sealed(app);
    expect(await linked()).toEqual([{ change: 'early' }, { change: 'late' }]);
    expect((await verify(app)).fault).toBeNull();
  });

  it('knows nothing of what was rolled back', async () => {
    const undone = app.app.get(DataSource).transaction(async (tx) => {
      await app.app.get(SecurityLog).record(tx, 'user_updated', { change: 'undone' });
      throw new Error('on second thoughts');
    });
    await expect(undone).rejects.toThrow('on second thoughts');
    expect(await query(`SELECT FROM audit_events WHERE facts->>'change' = 'undone'`)).toEqual([]);
    const { manager } = app.app.get(DataSource);
    const outside = app.app.get(SecurityLog).record(manager, 'user_updated');
    await expect(outside).rejects.toThrow('inside the transaction');
  });

  it('runs once at a time, the last time behind the one before, and ends with a checkpoint', async () => {
    const sealer = app.app.get(Sealer);
    await sealed(app);
    await write(app, 'waiting');
    const [first, last] = [sealer.run(), sealer.run(true)];
    await first;
    expect(sealer.run()).toBe(last);
    await last;
    const behind = () =>
      query(`SELECT FROM audit_chain WHERE seq > (
        SELECT max(seq) FROM audit_checkpoints WHERE NOT is_anchor)`);
    expect(await behind()).toEqual([]);
    // Also when nothing waits.
    await write(app, 'sealed');
    await sealed(app);
    expect(await behind()).toHaveLength(1);
    await sealer.run(true);
    expect(await behind()).toEqual([]);
  });

  it('stops where the chain was cut off under the app, and says so', async () => {
    await write(app, 'before');
    await sealed(app);
    for (const one of [app, other]) await one.app.get(Sealer).run();
    await query('TRUNCATE audit_chain, audit_checkpoints');
    await query('INSERT INTO audit_unsealed SELECT recorded_at, id FROM audit_events');
    await app.app.get(Sealer).run();
    await other.app.get(Sealer).run();
    expect(await query('SELECT FROM audit_chain')).toEqual([]);
    await until(
      async () =>
        (await query(`SELECT FROM audit_events WHERE facts->>'table' = 'audit_chain'`)).length > 0,
      'the loss is recorded',
    );
  });
});

describe('an instance that stops', () => {
  it('seals what its last requests did, and signs it', async () => {
    const database = await createTestDatabase();
    const last = await startApp({ database });
    const ada = await signUp(last);
    const lock = new pg.Client({ connectionString: database.urls.owner });
    await lock.connect();
    await lock.query('BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE');
    const pending = ada.client.post('/v1/auth/logout');
    await untilWaiting(database, 1);
    const closing = last.close();
    // Time for all that does not wait for the request.
    await sleep(1_000);
    await lock.end();
    expect((await pending).status).toBe(204);
    await closing;
    expect(await eventsOf({ database }, 'authn_token_revoked', ada.id)).toHaveLength(1);
    expect(await leftOf(database)).toEqual([{ unsealed: 0, behindTheCheckpoint: 0 }]);
    await database.drop();
  });
});
