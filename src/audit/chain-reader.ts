import type { EntityManager } from 'typeorm';
import { HAS_LINK } from './chain.js';
import type { EventRow } from './event-row.js';
import type { ChainRow } from './find-fault.js';

const LINKS_WITH_EVENTS = `
  SELECT c.seq, c.event_id, c.recorded_at AS link_recorded_at, c.sealed_at, c.event_mac,
    c.mac AS link_mac, e.*
  FROM audit_chain c LEFT JOIN audit_events e ON e.recorded_at = c.recorded_at AND e.id = c.event_id
  WHERE c.seq > $1 ORDER BY c.seq`;

const OUTSIDE = `
  SELECT e.*, recorded_at < now() - $1 * interval '1 minute' AS is_late, EXISTS (
    SELECT FROM audit_unsealed u WHERE u.recorded_at = e.recorded_at AND u.event_id = e.id) AS is_waiting
  FROM audit_events e WHERE NOT ${HAS_LINK}
  ORDER BY recorded_at, id`;
const CHECKPOINTS = `
  SELECT k.seq, is_anchor, statement, c.mac
  FROM audit_checkpoints k LEFT JOIN audit_chain c ON c.seq = k.seq ORDER BY k.seq`;

/** However long the log is, so much of it is in memory. */
const DECLARE = {
  walk: `DECLARE walk NO SCROLL CURSOR FOR ${LINKS_WITH_EVENTS}`,
  search: `DECLARE search NO SCROLL CURSOR FOR ${LINKS_WITH_EVENTS}`,
  outside: `DECLARE outside NO SCROLL CURSOR FOR ${OUTSIDE}`,
  checkpoints: `DECLARE checkpoints NO SCROLL CURSOR FOR ${CHECKPOINTS}`,
};
const FETCH = {
  walk: 'FETCH 10000 FROM walk',
  search: 'FETCH 10000 FROM search',
  outside: 'FETCH 10000 FROM outside',
  checkpoints: 'FETCH 10000 FROM checkpoints',
};

async function* read<Row>(
  tx: EntityManager,
  name: keyof typeof DECLARE,
  values: unknown[] = [],
): AsyncGenerator<Row[]> {
  await tx.query(DECLARE[name], values);
  for (let rows: Row[]; (rows = await tx.query<Row[]>(FETCH[name])).length > 0;) yield rows;
}

/** An event without a link. */
export interface OutsideRow extends EventRow {
  is_late: boolean;
  is_waiting: boolean;
}

export const readOutside = (tx: EntityManager, lateMinutes: number) =>
  read<OutsideRow>(tx, 'outside', [lateMinutes]);

/** A statement as it stands in the database, and what the chain has at its place. */
export interface CheckpointRow {
  seq: string;
  is_anchor: boolean;
  statement: string;
  mac: Buffer | null;
}

export const readCheckpoints = (tx: EntityManager) => read<CheckpointRow>(tx, 'checkpoints');

interface LinkRow extends EventRow {
  seq: string;
  event_id: string;
  link_recorded_at: Date;
  sealed_at: Date | null;
  event_mac: Buffer;
  link_mac: Buffer;
}

interface Batch {
  rows: ChainRow[];
  /** What follows the last of them. */
  next: ChainRow | undefined;
}

/** The links after a place, with their events. One reads on while one looks ahead. */
export async function* readRows(
  tx: EntityManager,
  name: 'walk' | 'search',
  after: number,
): AsyncGenerator<Batch> {
  let next: ChainRow | undefined;
  for await (const fetched of read<LinkRow>(tx, name, [after])) {
    const rows = fetched.map(chainRow);
    if (next) rows.unshift(next);
    next = rows.pop();
    yield { rows, next };
  }
  if (next) yield { rows: [next], next: undefined };
}

const chainRow = (row: LinkRow): ChainRow => ({
  seq: Number(row.seq),
  eventId: row.event_id,
  recordedAt: row.link_recorded_at,
  sealedAt: row.sealed_at,
  eventMac: row.event_mac,
  mac: row.link_mac,
  event: row.id === null ? null : row,
});
