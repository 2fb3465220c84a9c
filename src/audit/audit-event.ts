import type { FastifyRequest } from 'fastify';
import { createHmac, randomUUID, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import { addressOf } from '../http/client-address.js';
import { outcomeOf, type EventFacts, type Outcome, type SecurityEvent } from './vocabulary.js';

/** What of the facts becomes a row, beside the columns. What is not named here stays in the log line. */
const FACT_NAMES = [
  'action',
  'before',
  'budget',
  'by',
  'change',
  'code',
  'column',
  'events',
  'everywhere',
  'key',
  'keys',
  'kind',
  'method',
  'permission',
  'role',
  'route',
  'row',
  'table',
  'to',
] as const;
const MAX_FACT = 100;
/** Ids that name what the event happened to, where that is not the user. */
const OBJECTS = {
  /** Of whatever kind: the route says it. */
  askedId: 'asked_for',
  factorId: 'factor',
  eventId: 'audit_event',
  exportId: 'export',
  resourceId: 'resource',
  sessionId: 'session',
} as const;
export const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/;

export interface AuditEvent {
  id: string;
  recordedAt: Date;
  event: string;
  outcome: Outcome;
  /** Who did it: nobody who was signed in, if null. */
  actorId: string | null;
  /** To whom it happened. */
  userId: string | null;
  objectKind: string | null;
  objectId: string | null;
  ip: string | null;
  requestId: string | null;
  facts: Record<string, string | number | boolean>;
}

export type Request = Pick<FastifyRequest, 'id' | 'actor' | 'clientIp'>;

/** The row of an event, made in full here: its id and time are part of what the app vouches for. */
export function auditEvent(
  event: SecurityEvent,
  facts: EventFacts,
  request: Request | undefined,
): AuditEvent {
  const userId = idOf(facts['userId']);
  return {
    id: randomUUID(),
    recordedAt: new Date(),
    event,
    outcome: outcomeOf(event),
    // Who has just signed in was nobody when the request came.
    actorId: event === 'authn_login_success' ? userId : actorOf(request),
    userId,
    ...objectOf(facts),
    ip: addressOf(String(facts['ip'] ?? request?.clientIp)),
    requestId: request?.id ?? null,
    facts: pick(facts),
  };
}

const actorOf = (request: Request | undefined) => request?.actor?.userId ?? null;

const idOf = (value: unknown) => (typeof value === 'string' && UUID.test(value) ? value : null);

function objectOf(facts: EventFacts): Pick<AuditEvent, 'objectKind' | 'objectId'> {
  for (const [name, objectKind] of Object.entries(OBJECTS)) {
    const objectId = idOf(facts[name]);
    if (objectId) return { objectKind, objectId };
  }
  return { objectKind: null, objectId: null };
}

function pick(facts: EventFacts): AuditEvent['facts'] {
  const picked: AuditEvent['facts'] = {};
  for (const name of FACT_NAMES) {
    const value = facts[name];
    if (value !== undefined)
      picked[name] = typeof value === 'string' ? value.slice(0, MAX_FACT) : value;
  }
  return picked;
}

/** Unambiguous: a JSON array in a fixed order, the facts in the order of their names. */
function canonical(event: AuditEvent): string {
  const { id, recordedAt, outcome, actorId, userId, objectKind, objectId, ip, requestId } = event;
  const facts = Object.entries(event.facts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // A network that somebody wrote there is no address, and not the same as none.
  const address = ip && (addressOf(ip) ?? ip);
  const place = [actorId, userId, objectKind, objectId, address, requestId];
  return JSON.stringify(['event', id, recordedAt, event.event, outcome, ...place, facts]);
}

/** Keyed: whoever has the database and not the app's secret cannot write an event, nor change one. */
export const eventMac = (key: KeyObject, event: AuditEvent): Buffer =>
  createHmac('sha256', key).update(canonical(event)).digest();

export const isGenuine = (key: KeyObject, event: AuditEvent, mac: Buffer): boolean =>
  timingSafeEqual(eventMac(key, event), mac);

/** One statement, which waits for nobody else's: there is no counter, and no link to the event before. */
export async function insertEvent(
  db: DataSource | EntityManager,
  key: KeyObject,
  event: AuditEvent,
): Promise<void> {
  const { id, recordedAt, outcome, actorId, userId, objectKind, objectId, ip, requestId } = event;
  await db.sql`
    WITH added AS (
      INSERT INTO audit_events (id, recorded_at, event, outcome, actor_id, user_id, object_kind,
        object_id, ip, request_id, facts, mac)
      VALUES (${id}, ${recordedAt}, ${event.event}, ${outcome}, ${actorId}, ${userId},
        ${objectKind}, ${objectId}, ${ip}, ${requestId}, ${JSON.stringify(event.facts)},
        ${eventMac(key, event)})
    )
    INSERT INTO audit_unsealed (recorded_at, event_id) VALUES (${recordedAt}, ${id})`;
}
