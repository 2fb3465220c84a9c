import type { DataSource, EntityManager } from 'typeorm';
import type { AuditKeys } from '../config/secrets.js';
import { acrossOwners } from '../database/acting.js';
import { auditEvent, insertEvent } from './audit-event.js';
import { GENESIS, SEAL_LOCK, SEAL_ROWS, sealNext, type Link } from './chain.js';
import { signCheckpoint } from './checkpoints.js';
import { describeFault } from './find-fault.js';
import { verifyChain } from './verify-chain.js';

/** Of this month and the three to come; so does `npm run migrate`. */
export const makePartitions = (db: DataSource): Promise<unknown> =>
  acrossOwners(() => db.sql`SELECT audit_make_partitions()`);

/** The first moment of the month that lies so many months back. */
export function monthsBack(months: number, now = new Date()): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
}

/**
 * Drops the events before a month, as the owner. What goes was verified, and a signed statement says
 * from where the chain is told from now on; that it went is an event. Answers how many went.
 */
export async function dropBefore(
  owner: DataSource,
  keys: AuditKeys,
  before: Date,
): Promise<number> {
  await sealAll(owner, keys);
  const { fault } = await verifyChain(owner, keys);
  // Nobody gets rid of the evidence by waiting for the retention.
  if (fault)
    throw new Error(`Nothing is dropped from a log that is not whole: ${describeFault(fault)}`);
  return owner.transaction(async (tx) => {
    await tx.sql`SELECT pg_advisory_xact_lock(${SEAL_LOCK})`;
    const events = await countBefore(tx, before);
    if (events === 0) return 0;
    await cutChain(tx, keys, before);
    await tx.sql`SELECT audit_drop_partitions(${before})`;
    const facts = { before: before.toISOString(), events };
    await insertEvent(tx, keys.auditKey, auditEvent('sys_audit_dropped', facts, undefined));
    return events;
  });
}

/** Unless an instance is about to. */
async function sealAll(owner: DataSource, { auditKey }: AuditKeys): Promise<void> {
  for (let more = true; more;) {
    const done = await owner.transaction((tx) => sealNext(tx, auditKey));
    more = done !== null && done.sealed + done.refused.length === SEAL_ROWS;
  }
}

async function countBefore(tx: EntityManager, before: Date): Promise<number> {
  const [row] = await tx.sql<{ events: number }[]>`
    SELECT count(*)::int AS events FROM audit_events WHERE recorded_at < ${before}`;
  return row?.events ?? 0;
}

/** Up to the first link whose event stays. The last link stays in any case: the next one follows it. */
async function cutChain(tx: EntityManager, keys: AuditKeys, before: Date): Promise<void> {
  const anchor = await lastToGo(tx, before);
  const statement = await signCheckpoint(keys.checkpointKey, anchor, before);
  await tx.sql`
    INSERT INTO audit_checkpoints (seq, is_anchor, statement)
    VALUES (${anchor.seq}, true, ${statement})
    ON CONFLICT (seq, is_anchor) DO UPDATE SET statement = excluded.statement`;
  await tx.sql`DELETE FROM audit_chain WHERE seq <= ${anchor.seq}`;
  await tx.sql`DELETE FROM audit_checkpoints WHERE seq < ${anchor.seq}`;
}

async function lastToGo(tx: EntityManager, before: Date): Promise<Link> {
  const [row] = await tx.sql<{ seq: string; mac: Buffer }[]>`
    SELECT seq, mac FROM audit_chain
    WHERE seq < coalesce((SELECT min(seq) FROM audit_chain WHERE recorded_at >= ${before}),
                         (SELECT max(seq) FROM audit_chain))
    ORDER BY seq DESC LIMIT 1`;
  if (row) return { seq: Number(row.seq), mac: row.mac };
  const [anchor] = await tx.sql<{ seq: string }[]>`
    SELECT seq FROM audit_checkpoints WHERE is_anchor LIMIT 1`;
  if (anchor) throw new Error('There is nothing left to drop: the next month has to begin first');
  return GENESIS;
}
