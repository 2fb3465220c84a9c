import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { sealNext } from '../src/audit/chain.js';
import { checkpointIfDue } from '../src/audit/checkpoints.js';
import { dropBefore, makePartitions, monthsBack } from '../src/audit/retention.js';
import { verifyChain } from '../src/audit/verify-chain.js';
import { Config } from '../src/config/config.js';
import { acrossOwners } from '../src/database/acting.js';
import { dataSourceOptions } from '../src/database/data-source-options.js';
import { writeAt as writeThen } from './support/audit.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const DAY_MS = 86_400_000;
let database: TestDatabase;
let config: Config;
let owner: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  config = new Config(testEnvironment(database.urls.app));
  const options = { ...dataSourceOptions(config), url: database.urls.owner };
  owner = await new DataSource(options).initialize();
});
afterAll(async () => {
  await owner.destroy();
  await database.drop();
});

const sql = (text: string, values?: unknown[]) => database.query(text, values);
const seal = () =>
  acrossOwners(() => owner.transaction((tx) => sealNext(tx, config.keys.audit.auditKey)));
const verify = (kept: string[] = []) => verifyChain(owner, config.keys.audit, { kept });
const drop = (before: Date) => acrossOwners(() => dropBefore(owner, config.keys.audit, before));
const partitions = async () =>
  (await sql(`SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'audit_events'::regclass ORDER BY 1`)) as { name: string }[];
const writeAt = (recordedAt: Date) => writeThen({ database, config }, recordedAt);

const thisMonth = monthsBack(0);
const lastMonth = new Date(thisMonth.getTime() - 10 * DAY_MS);
const longAgo = new Date(monthsBack(3).getTime() + DAY_MS);

const nameOf = (month: Date) => `audit_events_${month.toISOString().slice(0, 7).replace('-', '_')}`;
const OLD = nameOf(longAgo);

beforeEach(async () => {
  await sql('TRUNCATE audit_events, audit_unsealed, audit_chain, audit_checkpoints');
  // As it was when that month began.
  const [from, to] = [monthsBack(3), monthsBack(2)].map((day) => day.toISOString());
  await sql(`CREATE TABLE IF NOT EXISTS ${OLD} PARTITION OF audit_events
    FOR VALUES FROM ('${from}') TO ('${to}')`);
  await sql(`ALTER TABLE ${OLD} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  for (let n = 0; n < 5; n += 1) await writeAt(new Date(longAgo.getTime() + n));
  await seal();
  for (let n = 0; n < 5; n += 1) await writeAt(new Date(lastMonth.getTime() + n));
  await seal();
  for (let n = 0; n < 5; n += 1) await writeAt(new Date());
  await seal();
  const late = { events: 10, first: 1 };
  expect(await verify()).toEqual({ fault: null, events: 15, late, from: 1, to: 15 });
});

describe('npm run audit:retain', () => {
  it('drops what is old, and the chain is still verified from where it begins now', async () => {
    const kept = await acrossOwners(() =>
      owner.transaction((tx) => checkpointIfDue(tx, config.keys.audit.checkpointKey, true)),
    );
    expect(await drop(monthsBack(1))).toBe(5);
    expect((await partitions()).map(({ name }) => name)).not.toContain(OLD);
    await seal();
    expect(await verify([kept?.statement ?? ''])).toMatchObject({
      fault: null,
      events: 11,
      from: 6,
      to: 16,
    });
    const [told] = await sql(`SELECT facts FROM audit_events WHERE event = 'sys_audit_dropped'`);
    expect(told?.['facts']).toEqual({ before: monthsBack(1).toISOString(), events: 5 });
    expect(await drop(thisMonth)).toBe(5);
    await seal();
    expect(await verify()).toMatchObject({ fault: null, from: 11, to: 17 });
    expect(await drop(thisMonth)).toBe(0);
  });

  it('takes whole months: an event that was sealed late leaves its link behind', async () => {
    await writeAt(new Date(lastMonth.getTime() + 100));
    await seal();
    expect(await drop(thisMonth)).toBe(11);
    expect((await verify()).fault).toBeNull();
    await sql(
      'DELETE FROM audit_events WHERE id = (SELECT event_id FROM audit_chain WHERE seq = 12)',
    );
    expect((await verify()).fault).toMatchObject({ kind: 'removed', seq: 12 });
  });

  it('drops nothing from a log that is not whole', async () => {
    await sql(`UPDATE audit_events SET facts = '{}' WHERE id = (
      SELECT event_id FROM audit_chain WHERE seq = 2)`);
    await expect(drop(monthsBack(1))).rejects.toThrow('changed at 2');
    expect(await sql('SELECT FROM audit_events')).toHaveLength(15);
  });

  it('is not what happens when somebody deletes old events without a signature', async () => {
    await sql('SELECT audit_drop_partitions($1)', [monthsBack(1)]);
    expect((await verify()).fault).toMatchObject({ kind: 'removed', seq: 1 });
    await sql('DELETE FROM audit_chain WHERE seq <= 5');
    expect((await verify()).fault).toMatchObject({ kind: 'removed', seq: 1 });
  });

  it('does not go further than what was signed', async () => {
    await drop(monthsBack(1));
    await sql('DELETE FROM audit_events WHERE recorded_at < $1', [thisMonth]);
    await sql('DELETE FROM audit_chain WHERE recorded_at < $1', [thisMonth]);
    expect((await verify()).fault).toMatchObject({ kind: 'removed', seq: 6 });
  });
});

describe('partitions', () => {
  it('are there for this month and three more, each closed to whoever asks it directly', async () => {
    await makePartitions(owner);
    const names = (await partitions()).map(({ name }) => name);
    expect(names.filter((name) => /\d{4}_\d\d$/.test(name)).length).toBeGreaterThanOrEqual(4);
    const open = await sql(`SELECT relname FROM pg_class WHERE relname LIKE 'audit\\_events%'
      AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)`);
    expect(open).toEqual([]);
  });

  it('take over what waited in the default one', async () => {
    const name = nameOf(thisMonth);
    await sql(`ALTER TABLE audit_events DETACH PARTITION ${name}`);
    await sql(`ALTER TABLE ${name} RENAME TO audit_old`);
    const event = await writeAt(new Date());
    const where = () =>
      sql('SELECT tableoid::regclass::text AS name FROM audit_events WHERE id = $1', [event.id]);
    expect(await where()).toEqual([{ name: 'audit_events_default' }]);
    await makePartitions(owner);
    expect(await where()).toEqual([{ name }]);
    await sql('DROP TABLE audit_old');
  });
});
