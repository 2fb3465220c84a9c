import type { KeyObject } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { AuditKeys } from '../config/secrets.js';
import { isGenuine } from './audit-event.js';
import type { Link } from './chain.js';
import { readCheckpoints, readOutside, type CheckpointRow } from './chain-reader.js';
import { contradiction, readCheckpoint, type Checkpoint } from './checkpoints.js';
import { eventOf } from './event-row.js';
import type { Fault } from './find-fault.js';

/** An event may wait so long for its seal: until then nobody could show that it was removed. */
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
  return (
    (await keptFault(whole, kept)) ??
    (await checkpointsFault(whole)) ??
    (await unsealedFault(tx, keys.auditKey))
  );
}

async function keptFault(whole: Whole, kept: string[]): Promise<Fault | null> {
  const { tx, keys } = whole;
  for (const statement of kept) {
    const checkpoint = await readCheckpoint(keys.checkpointKey, statement);
    if (!checkpoint) throw new Error('That is no checkpoint of this app');
    const [row] = await tx.sql<{ mac: Buffer }[]>`
      SELECT mac FROM audit_chain WHERE seq = ${checkpoint.seq}`;
    const fault = checkpointFault(whole, checkpoint, row?.mac);
    if (fault) return fault;
  }
  return null;
}

async function checkpointsFault(whole: Whole): Promise<Fault | null> {
  for await (const rows of readCheckpoints(whole.tx)) {
    for (const row of rows) {
      const checkpoint = await readCheckpoint(whole.keys.checkpointKey, row.statement);
      if (!checkpoint || !isOf(row, checkpoint))
        return added(null, 'the app signed no such checkpoint');
      const fault = checkpointFault(whole, checkpoint, row.mac);
      if (fault) return fault;
    }
  }
  return null;
}

/** Nobody puts a statement of ours in another place. */
const isOf = ({ seq, is_anchor }: CheckpointRow, checkpoint: Checkpoint): boolean =>
  Number(seq) === checkpoint.seq && is_anchor === (checkpoint.droppedBefore !== undefined);

/** `mac` is what the chain has at the place of the checkpoint. */
function checkpointFault(
  { start, end }: Whole,
  checkpoint: Checkpoint,
  mac: Buffer | null = null,
): Fault | null {
  const { seq, at } = checkpoint;
  const what = `the checkpoint of ${at} has seen ${seq.toLocaleString('en-US')}`;
  if (seq > end.seq) return { kind: 'cut off', seq: end.seq + 1, eventId: null, what };
  // With what a retention has taken since, nothing can be compared any more.
  if (seq < start.seq) return null;
  if (seq === start.seq) return contradiction(checkpoint, start);
  return contradiction(checkpoint, { seq, mac: mac ?? Buffer.alloc(0) });
}

/** What the app did not write comes first: nothing that waits hides it. */
async function unsealedFault(tx: EntityManager, key: KeyObject): Promise<Fault | null> {
  let waiting: Fault | null = null;
  for await (const rows of readOutside(tx, UNSEALED_MINUTES)) {
    for (const row of rows) {
      if (!isGenuine(key, eventOf(row), row.mac))
        return added(row.id, 'the app wrote no such event');
      if (!row.is_waiting) return added(row.id, 'nobody has sealed this event');
      if (row.is_late) waiting ??= { ...added(row.id, WAITING), kind: 'unsealed' };
    }
  }
  return waiting;
}

const WAITING = `it has waited for its seal for more than ${UNSEALED_MINUTES} minutes: start the app, which seals it`;

const added = (eventId: string | null, what: string): Fault => ({
  kind: 'added',
  seq: null,
  eventId,
  what,
});
