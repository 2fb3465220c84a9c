import type { EntityManager } from 'typeorm';
import type { EventRow } from './event-row.js';
import type { ChainRow } from './find-fault.js';

/** By cursors: however long the chain is, so many links are in memory. One reads on while one looks ahead. */
const LINKS_WITH_EVENTS = `
  SELECT c.seq, c.event_id, c.recorded_at AS sealed_at, c.event_mac, c.mac AS link_mac, e.*,
    (SELECT statement FROM audit_checkpoints k WHERE k.seq = c.seq AND NOT is_anchor) AS statement
  FROM audit_chain c LEFT JOIN audit_events e ON e.recorded_at = c.recorded_at AND e.id = c.event_id
  WHERE c.seq > $1 ORDER BY c.seq`;

const DECLARE = {
  walk: `DECLARE walk NO SCROLL CURSOR FOR ${LINKS_WITH_EVENTS}`,
  search: `DECLARE search NO SCROLL CURSOR FOR ${LINKS_WITH_EVENTS}`,
};
const FETCH = { walk: 'FETCH 10000 FROM walk', search: 'FETCH 10000 FROM search' };
const CLOSE = { walk: 'CLOSE walk', search: 'CLOSE search' };

interface Row extends EventRow {
  seq: string;
  event_id: string;
  sealed_at: Date;
  event_mac: Buffer;
  link_mac: Buffer;
  statement: string | null;
}

interface Batch {
  rows: ChainRow[];
  /** What follows the last of them. */
  next: ChainRow | undefined;
}

/** The links after a place, with their events. */
export async function* readRows(
  tx: EntityManager,
  name: keyof typeof DECLARE,
  after: number,
): AsyncGenerator<Batch> {
  await tx.query(DECLARE[name], [after]);
  let next: ChainRow | undefined;
  do {
    const fetched = (await tx.query<Row[]>(FETCH[name])).map(chainRow);
    const rows: ChainRow[] = next ? [next, ...fetched] : fetched;
    next = fetched.length > 0 ? rows.pop() : undefined;
    yield { rows, next };
  } while (next);
  await tx.query(CLOSE[name]);
}

const chainRow = (row: Row): ChainRow => ({
  seq: Number(row.seq),
  eventId: row.event_id,
  recordedAt: row.sealed_at,
  eventMac: row.event_mac,
  mac: row.link_mac,
  event: row.id === null ? null : row,
  statement: row.statement,
});
