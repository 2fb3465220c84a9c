import { createHmac, type KeyObject } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { acrossOwners } from '../database/acting.js';
import { isGenuine } from './audit-event.js';
import { eventOf, type EventRow } from './event-row.js';

/** One sealer at a time, of however many instances. Any fixed number. */
export const SEAL_LOCK = 812_731_946;
export const SEAL_ROWS = 2_000;

/** What a link binds to its place. */
export interface Sealed {
  eventId: string;
  recordedAt: Date;
  /** Part of the link: whoever has old events sealed anew, or late, cannot hide it. Null: before there were any. */
  sealedAt: Date | null;
  eventMac: Buffer;
}

export interface Link {
  seq: number;
  mac: Buffer;
}

/** Before the first link. */
export const GENESIS: Link = { seq: 0, mac: Buffer.alloc(32) };

/** Of the event, its number and all that came before: none can change, go, come or move unseen. */
export function linkMac(key: KeyObject, before: Buffer, seq: number, sealed: Sealed): Buffer {
  const { eventId, recordedAt, sealedAt, eventMac } = sealed;
  const times = sealedAt ? [recordedAt, sealedAt] : [recordedAt];
  const place = [seq, eventId, ...times, hex(eventMac), hex(before)];
  return createHmac('sha256', key)
    .update(JSON.stringify(['link', ...place]))
    .digest();
}

const hex = (bytes: Buffer) => bytes.toString('hex');

/** Of an event `e`. By id and time, which together are one event: another may have either. */
export const HAS_LINK = `EXISTS (
  SELECT FROM audit_chain c WHERE c.recorded_at = e.recorded_at AND c.event_id = e.id)`;

/** Where the chain ends. A retention leaves the last link, whatever the age of its event. */
export async function headOf(tx: EntityManager): Promise<Link> {
  const [row] = await tx.sql<{ seq: string; mac: Buffer }[]>`
    SELECT seq, mac FROM audit_chain ORDER BY seq DESC LIMIT 1`;
  return row ? { seq: Number(row.seq), mac: row.mac } : GENESIS;
}

interface Waiting extends EventRow {
  waiting_id: string;
  is_sealed: boolean;
}

export interface SealResult {
  head: Link;
  sealed: number;
  /** Left out: not the app's, which the verification tells; sealed before, or gone, which only the sealer sees. */
  refused: string[];
}

/**
 * Seals the next events that wait, in the order of their times. Null when another does it. What the
 * queue holds was committed with its event, so that a transaction that ends late is only sealed later.
 */
export const sealNext = (tx: EntityManager, key: KeyObject): Promise<SealResult | null> =>
  acrossOwners(() => seal(tx, key));

async function seal(tx: EntityManager, key: KeyObject): Promise<SealResult | null> {
  const [lock] = await tx.sql<{ taken: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${SEAL_LOCK}) AS taken`;
  if (!lock?.taken) return null;
  const head = await headOf(tx);
  const rows = await tx.sql<Waiting[]>`
    WITH taken AS (
      DELETE FROM audit_unsealed WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM audit_unsealed ORDER BY recorded_at, event_id LIMIT ${SEAL_ROWS}))
      RETURNING event_id, recorded_at
    )
    SELECT taken.event_id AS waiting_id, e.*,
      EXISTS (SELECT FROM audit_chain c WHERE c.event_id = taken.event_id) AS is_sealed
    FROM taken LEFT JOIN audit_events e
      ON e.recorded_at = taken.recorded_at AND e.id = taken.event_id
    ORDER BY taken.recorded_at, taken.event_id`;
  const good = rows.filter((row) => maySeal(key, row));
  const last = await append(tx, key, head, good);
  const taken = new Set(good);
  const refused = rows.filter((row) => !taken.has(row)).map((row) => row.waiting_id);
  return { head: last, sealed: good.length, refused };
}

/** The sealer signs what the app wrote, once: it is nobody's tool to make a log of his own. */
const maySeal = (key: KeyObject, row: Waiting): boolean =>
  row.id !== null && !row.is_sealed && isGenuine(key, eventOf(row), row.mac);

async function append(
  tx: EntityManager,
  key: KeyObject,
  head: Link,
  events: EventRow[],
): Promise<Link> {
  const links: Link[] = [];
  const sealedAt = new Date();
  let last = head;
  for (const { id: eventId, recorded_at: recordedAt, mac: eventMac } of events) {
    const seq = last.seq + 1;
    last = { seq, mac: linkMac(key, last.mac, seq, { eventId, recordedAt, sealedAt, eventMac }) };
    links.push(last);
  }
  await tx.sql`
    INSERT INTO audit_chain (sealed_at, seq, event_id, recorded_at, event_mac, mac)
    SELECT ${sealedAt}, * FROM unnest(${links.map(({ seq }) => seq)}::bigint[],
      ${events.map((row) => row.id)}::uuid[], ${events.map((row) => row.recorded_at)}::timestamptz[],
      ${events.map((row) => row.mac)}::bytea[], ${links.map(({ mac }) => mac)}::bytea[])`;
  return last;
}
