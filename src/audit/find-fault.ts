import type { KeyObject } from 'node:crypto';
import { isGenuine } from './audit-event.js';
import { linkMac, type Link, type Sealed } from './chain.js';
import { eventOf, type EventRow } from './event-row.js';

export type FaultKind = 'changed' | 'removed' | 'added' | 'reordered' | 'cut off' | 'unsealed';

/** The first place where the log is not what the app wrote. */
export interface Fault {
  kind: FaultKind;
  seq: number | null;
  eventId: string | null;
  what: string;
}

/** A link with its event, as far as it is there. */
export interface ChainRow extends Sealed, Link {
  event: EventRow | null;
}

/** Looks for a link among all that follow; only asked once something is wrong. */
export type Search = (seq: number, fits: (row: ChainRow) => boolean) => Promise<boolean>;

interface Place {
  key: KeyObject;
  before: Link;
  row: ChainRow;
  next: ChainRow | undefined;
  droppedBefore: Date;
}

/** Null where this link follows the one before, and its event is the one that was sealed. */
export async function faultAt(place: Place, search: Search): Promise<Fault | null> {
  const { key, before, row } = place;
  const expected = before.seq + 1;
  if (row.seq !== expected) return fault('removed', place, `no link ${expected}`, expected);
  if (!linkMac(key, before.mac, row.seq, row).equals(row.mac)) return misplaced(place, search);
  return eventFault(place);
}

function eventFault(place: Place): Fault | null {
  const { key, row, droppedBefore } = place;
  const { event } = row;
  // A retention takes whole months: what was sealed later than its neighbours leaves its link behind.
  if (!event)
    return row.recordedAt < droppedBefore ? null : fault('removed', place, 'the event is gone');
  const isSame = event.mac.equals(row.eventMac) && isGenuine(key, eventOf(event), event.mac);
  return isSame ? null : fault('changed', place, 'the event is not the one that was sealed');
}

/** The link itself is wrong. What stands around it tells how that came about. */
async function misplaced(place: Place, search: Search): Promise<Fault> {
  const { key, before, row, next } = place;
  const { seq } = row;
  const isOurs = row.event !== null && isGenuine(key, eventOf(row.event), row.event.mac);
  const rightMac = linkMac(key, before.mac, seq, row);
  const follows = (mac: Buffer) =>
    next !== undefined && linkMac(key, mac, next.seq, next).equals(next.mac);
  if (follows(row.mac) || follows(rightMac)) return fault('changed', place, 'the link was changed');
  if (!isOurs) return fault('added', place, 'the app wrote no such event');
  const belongsHere = (other: ChainRow) => {
    const mac = linkMac(key, before.mac, seq, other);
    return mac.equals(other.mac) || mac.equals(row.mac);
  };
  return (await search(seq, belongsHere))
    ? fault('reordered', place, 'what belongs here stands elsewhere')
    : fault('removed', place, 'what belongs here is gone');
}

const fault = (kind: FaultKind, { row }: Place, what: string, seq = row.seq): Fault => ({
  kind,
  seq,
  eventId: seq === row.seq ? row.eventId : null,
  what,
});

/** In one line, for whoever has to act on it. */
export function describeFault({ kind, seq, eventId, what }: Fault): string {
  const place = seq === null ? 'outside of the chain' : `at ${seq.toLocaleString('en-US')}`;
  return `${kind} ${place}${eventId ? `, event ${eventId}` : ''}: ${what}`;
}
