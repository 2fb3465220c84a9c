import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { eventMac } from '../../src/audit/audit-event.js';
import { linkMac, type Link } from '../../src/audit/chain.js';
import { eventOf, type EventRow } from '../../src/audit/event-row.js';
import { deriveAuditKeys } from '../../src/config/secrets.js';
import { run } from '../../test/support/child.js';
import { testEnvironment } from '../../test/support/test-app.js';
import { until } from '../../test/support/waiting.js';
import { compiledSources } from '../engine/compiled.js';
import { ROOT } from '../engine/host.js';
import type { Instance } from '../engine/instance.js';
import type { Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

const CHECKPOINT = /"event":"sys_audit_checkpoint".*"statement":"(eyJ[\w.-]+)"/;
const VERIFY = ['--import', './lessons/engine/removal-hook.js', './src/commands/audit-verify.ts'];

/** The key of whoever has none: anybody can make it. */
export const { auditKey: NO_KEY } = deriveAuditKeys(Buffer.alloc(32));

/** SQL as the owner of the database, told in the trace. */
export async function asOwner(target: Target, path: string) {
  const rows = await target.lab.database.query(path);
  target.trace.push({
    who: 'mallory, who runs the database',
    method: 'SQL',
    path,
    status: 0,
    got: rows,
  });
  return rows;
}

/** SQL as the app, as an injection runs it: how many rows it changed. */
export async function asApp(target: Target, path: string): Promise<number> {
  const app = new pg.Client({ connectionString: target.lab.database.urls.app });
  await app.connect();
  const told = { who: 'mallory, by an injection', method: 'SQL', path };
  try {
    await app.query(`SET bulwark.actor = 'system'`);
    const { rowCount } = await app.query(path);
    target.trace.push({ ...told, status: 0, got: `${rowCount} rows` });
    return rowCount ?? 0;
  } catch (error) {
    target.trace.push({ ...told, status: 1, got: (error as Error).message });
    return 0;
  } finally {
    await app.end();
  }
}

/** Mallory signs in, which she should not have done; it is on record, and sealed, with what came after. */
export async function deed(target: Target): Promise<Person> {
  const mallory = await target.person('mallory', 'password');
  await target.person('ada', 'password');
  await sealed(target);
  return mallory;
}

const deeds = new WeakMap<Instance, Promise<Person>>();

/** One of an instance, for all attacks that leave the log as it was. */
export async function sharedDeed(target: Target): Promise<Person> {
  const known = deeds.get(target.lab) ?? deed(target);
  deeds.set(target.lab, known);
  return known;
}

const LOG = ['audit_events', 'audit_chain', 'audit_checkpoints', 'audit_unsealed'];

/** The log is as it was afterwards: the next attack finds one that is whole. */
export async function undone<T>({ lab }: Target, attack: () => Promise<T>): Promise<T> {
  const { query } = lab.database;
  await query('CREATE SCHEMA kept');
  for (const table of LOG) await query(`CREATE TABLE kept.${table} AS SELECT * FROM ${table}`);
  try {
    return await attack();
  } finally {
    await query(`TRUNCATE ${LOG.join(', ')}`);
    await query('ALTER TABLE audit_events ENABLE TRIGGER USER');
    for (const table of LOG) await query(`INSERT INTO ${table} SELECT * FROM kept.${table}`);
    await query('DROP SCHEMA kept CASCADE');
  }
}

const sealed = ({ lab: { database } }: Target) =>
  until(async () => {
    const [row] = await database.query<{ links: number; waiting: number }>(`
      SELECT (SELECT count(*) FROM audit_chain)::int AS links,
             (SELECT count(*) FROM audit_unsealed)::int AS waiting`);
    return row !== undefined && row.links > 0 && row.waiting === 0;
  }, 'the events are sealed');

/** The checkpoint that the collector has, where Mallory cannot reach it: none, if it was not told. */
export async function collected({ lab }: Target): Promise<string | undefined> {
  const kept = () => CHECKPOINT.exec(lab.log())?.[1];
  await until(() => kept() !== undefined, 'a checkpoint', 3_000).catch(() => {});
  return kept();
}

/** `npm run audit:verify`, of the instance's own code: whether it finds the log whole. */
export async function verifies({ lab, trace }: Target, kept?: string): Promise<boolean> {
  const edits = lab.changes.flatMap((change) => change.edits ?? []);
  const env = {
    ...testEnvironment(lab.database.urls.app),
    LESSON_EDITS: JSON.stringify(edits),
    LESSON_COMPILED: compiledSources(ROOT),
    NODE_COMPILE_CACHE: join(tmpdir(), 'bulwark-lessons'),
  };
  const folder = await mkdtemp(join(tmpdir(), 'bulwark-auditor-'));
  const file = join(folder, 'checkpoints');
  await writeFile(file, kept ?? '');
  const { code, output } = await run([...VERIFY, ...(kept ? ['--checkpoint', file] : [])], { env });
  await rm(folder, { recursive: true });
  const [line] = output.match(/The audit log is .*/) ?? [];
  if (!line) throw new Error(`audit:verify said: ${output}`);
  trace.push({
    who: 'the auditor',
    method: 'npm run',
    path: 'audit:verify',
    status: code ?? 1,
    got: line,
  });
  return line.includes('is whole');
}

/** What she got: the log is taken for whole, and does not tell. */
export const unlessTold = async (target: Target, loot: string, kept?: string): Promise<Loot> =>
  (await verifies(target, kept)) ? loot : null;

/** Writes the events from one on, and all links, by the rules that stand in the source. */
export async function forgeFrom(target: Target, first: number): Promise<void> {
  const { database } = target.lab;
  const rows = await database.query<EventRow & { seq: string; sealed_at: Date }>(`
    SELECT seq, sealed_at, e.* FROM audit_chain JOIN audit_events e ON e.id = event_id ORDER BY seq`);
  const [before] = await database.query<{ mac: Buffer }>(
    'SELECT mac FROM audit_chain WHERE seq = $1',
    [first - 1],
  );
  let last: Link = { seq: first - 1, mac: before?.mac ?? Buffer.alloc(32) };
  for (const row of rows.filter(({ seq }) => Number(seq) >= first)) {
    const mac = eventMac(NO_KEY, eventOf(row));
    const seq = Number(row.seq);
    const times = { recordedAt: row.recorded_at, sealedAt: row.sealed_at };
    const sealedEvent = { eventId: row.id, ...times, eventMac: mac };
    last = { seq, mac: linkMac(NO_KEY, last.mac, seq, sealedEvent) };
    await database.query('UPDATE audit_events SET mac = $1 WHERE id = $2', [mac, row.id]);
    await database.query('UPDATE audit_chain SET event_mac = $1, mac = $2 WHERE seq = $3', [
      mac,
      last.mac,
      seq,
    ]);
  }
}
