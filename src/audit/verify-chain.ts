import type { KeyObject } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { acrossOwners } from '../database/acting.js';
import type { AuditKeys } from '../config/secrets.js';
import { GENESIS, type Link } from './chain.js';
import { readRows } from './chain-reader.js';
import { readCheckpoint } from './checkpoints.js';
import { faultAt, type ChainRow, type Fault, type Search } from './find-fault.js';
import { faultOutside, UNSEALED_MINUTES } from './outside-chain.js';

export interface Verdict {
  fault: Fault | null;
  events: number;
  /** Which links were made long after their event, and the first of them: who stopped the app, or has it seal anew, shows. */
  late: Late;
  /** Where the chain begins and ends. */
  from: number;
  to: number;
}

interface Late {
  events: number;
  first: number | null;
}

interface Options {
  /** Statements that were kept elsewhere. Throws when one is not the app's. */
  kept?: string[];
  progress?: (done: number, total: number) => void;
}

/** Walks the whole chain, in one snapshot and in bounded memory, up to the first fault. */
export function verifyChain(
  dataSource: DataSource,
  keys: AuditKeys,
  { kept = [], progress = () => {} }: Options = {},
): Promise<Verdict> {
  const verify = async (tx: EntityManager): Promise<Verdict> => {
    await tx.query('SET LOCAL statement_timeout = 0');
    const start = await startOf(tx, keys.checkpointKey);
    const { fault, end, ...walked } = await walk({ tx, keys, start }, progress);
    const verdict = { ...walked, from: start.seq + 1, to: end.seq };
    return { ...verdict, fault: fault ?? (await faultOutside({ tx, keys, start, end }, kept)) };
  };
  return acrossOwners(() => dataSource.transaction('REPEATABLE READ', verify));
}

interface Start extends Link {
  droppedBefore: Date;
}

interface Walk {
  tx: EntityManager;
  keys: AuditKeys;
  start: Start;
}

/** The chain begins where it always did, or where the newest retention says, which is signed. */
async function startOf(tx: EntityManager, key: KeyObject): Promise<Start> {
  const rows = await tx.sql<{ statement: string }[]>`
    SELECT statement FROM audit_checkpoints WHERE is_anchor ORDER BY seq DESC`;
  for (const { statement } of rows) {
    const anchor = await readCheckpoint(key, statement);
    if (anchor?.droppedBefore !== undefined)
      return { ...anchor, droppedBefore: new Date(anchor.droppedBefore) };
  }
  return { ...GENESIS, droppedBefore: new Date(0) };
}

async function walk(
  { tx, keys, start }: Walk,
  progress: (done: number, total: number) => void,
): Promise<Pick<Verdict, 'fault' | 'events' | 'late'> & { end: Link }> {
  const { auditKey: key } = keys;
  const { droppedBefore } = start;
  const search = searchIn(tx);
  const total = await lengthOf(tx, start.seq);
  let [end, events]: [Link, number] = [start, 0];
  const late: Late = { events: 0, first: null };
  for await (const { rows, next } of readRows(tx, 'walk', start.seq)) {
    for (const [index, row] of rows.entries()) {
      const place = { key, before: end, row, next: rows[index + 1] ?? next, droppedBefore };
      const fault = await faultAt(place, search);
      if (fault) return { fault, events, late, end };
      end = row;
      if (row.event) events += 1;
      if (isLate(row))
        Object.assign(late, { events: late.events + 1, first: late.first ?? row.seq });
    }
    progress(end.seq - start.seq, total);
  }
  return { fault: null, events, late, end };
}

const searchIn =
  (tx: EntityManager): Search =>
  async (after, fits) => {
    for await (const { rows } of readRows(tx, 'search', after)) if (rows.some(fits)) return true;
    return false;
  };

async function lengthOf(tx: EntityManager, from: number): Promise<number> {
  const [row] = await tx.sql<{ last: string | null }[]>`SELECT max(seq) AS last FROM audit_chain`;
  return Math.max(0, Number(row?.last ?? 0) - from);
}

const isLate = ({ recordedAt, sealedAt }: ChainRow): boolean =>
  sealedAt !== null && sealedAt.getTime() - recordedAt.getTime() > UNSEALED_MINUTES * 60_000;
