import type { AuditEvent } from './audit-event.js';

/** An event as a statement reads it: `SELECT e.*` where `e` is the table. */
export interface EventRow {
  id: string;
  recorded_at: Date;
  event: string;
  outcome: AuditEvent['outcome'];
  actor_id: string | null;
  user_id: string | null;
  object_kind: string | null;
  object_id: string | null;
  ip: string | null;
  request_id: string | null;
  facts: AuditEvent['facts'];
  mac: Buffer;
}

export const eventOf = (row: EventRow): AuditEvent => ({
  id: row.id,
  recordedAt: row.recorded_at,
  event: row.event,
  outcome: row.outcome,
  actorId: row.actor_id,
  userId: row.user_id,
  objectKind: row.object_kind,
  objectId: row.object_id,
  ip: row.ip,
  requestId: row.request_id,
  facts: row.facts,
});
