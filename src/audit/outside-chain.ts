import type { KeyObject } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { AuditKeys } from '../config/secrets.js';
import { isGenuine } from './audit-event.js';
import type { Link } from './chain.js';
import { contradiction, readCheckpoint, type Checkpoint } from './checkpoints.js';
import { eventOf, type EventRow } from './event-row.js';
import type { Fault } from './find-fault.js';

/** An event may wait so long for its seal. Afterwards somebody has kept it from it. */
export const UNSEALED_MINUTES = 60;

interface Whole {
  tx: EntityManager;
  keys: AuditKeys;
  start: Link;
  end: Link;
}

/** What a chain that is sound in itself does not show: an end that is gone, and events outside of it. */
export async function faultOutside(whole: Whole, kept: string[]): Promise<Fault | null> {
  const { tx, keys } = whole;
  for (const checkpoint of await laterCheckpoints(whole, kept)) {
    const fault = await checkpointFault(whole, checkpoint);
    if (fault) return fault;
  }
  return unsealedFault(tx, keys.auditKey);
}

async function laterCheckpoints({ tx, keys, end }: Whole, kept: string[]): Promise<Checkpoint[]> {
  const own = await tx.sql<{ statement: string }[]>`
    SELECT statement FROM audit_checkpoints WHERE seq > ${end.seq} ORDER BY seq LIMIT 100`;
  const given = await readAll(keys.checkpointKey, kept);
  if (given.length < kept.length) throw new Error('That is no checkpoint of this app');
  return [
    ...given,
    ...(await readAll(
      keys.checkpointKey,
      own.map(({ statement }) => statement),
    )),
  ];
}

async function readAll(key: KeyObject, statements: string[]): Promise<Checkpoint[]> {
  const read = await Promise.all(statements.map((statement) => readCheckpoint(key, statement)));
  return read.filter((checkpoint) => checkpoint !== null);
}

async function checkpointFault(
  { tx, start, end }: Whole,
  checkpoint: Checkpoint,
): Promise<Fault | null> {
  const { seq, at } = checkpoint;
  const what = `the checkpoint of ${at} has seen ${seq.toLocaleString('en-US')}`;
  if (seq > end.seq) return { kind: 'cut off', seq: end.seq + 1, eventId: null, what };
  // With what a retention has taken since, nothing can be compared any more.
  if (seq < start.seq) return null;
  if (seq === start.seq) return contradiction(checkpoint, start);
  const [row] = await tx.sql<{ mac: Buffer }[]>`SELECT mac FROM audit_chain WHERE seq = ${seq}`;
  return contradiction(checkpoint, { seq, mac: row?.mac ?? Buffer.alloc(0) });
}

async function unsealedFault(tx: EntityManager, key: KeyObject): Promise<Fault | null> {
  const rows = await tx.sql<(EventRow & { is_late: boolean })[]>`
    SELECT e.*, recorded_at < now() - ${UNSEALED_MINUTES} * interval '1 minute' AS is_late
    FROM audit_events e
    WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.event_id = e.id)
    ORDER BY recorded_at, id LIMIT 10000`;
  const found = rows.find((row) => row.is_late || !isGenuine(key, eventOf(row), row.mac));
  if (!found) return null;
  const what = isGenuine(key, eventOf(found), found.mac)
    ? 'nobody has sealed this event'
    : 'the app wrote no such event';
  return { kind: 'added', seq: null, eventId: found.id, what };
}
