import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Cursors, rowsToRead, type Place } from '../http/cursors.js';
import type { PageQuery } from '../http/page.dto.js';
import type { ListAuditEventsQuery, SecurityEventResponse } from './audit.dto.js';
import { eventOf, type EventRow } from './event-row.js';
import { SecurityLog } from './security-log.js';

/** Newer than any event. */
const START: Place = { value: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** Each has an index in the order of the list. */
const FILTERS = {
  event: 'e.event = :event',
  outcome: 'e.outcome = :outcome',
  userId: 'e.user_id = :userId',
  actorId: 'e.actor_id = :actorId',
  ip: 'e.ip = CAST(:ip AS inet)',
  from: 'e.recorded_at >= :from',
  to: 'e.recorded_at < :to',
} as const;
const NAMES = Object.keys(FILTERS) as (keyof typeof FILTERS)[];

/** The audit log as it is read: whole by administrators, by everybody what concerns himself. */
@Injectable()
export class AuditListsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cursors: Cursors,
    private readonly log: SecurityLog,
  ) {}

  async list(actor: Actor, query: ListAuditEventsQuery) {
    const list = ['audit-events', actor.userId, ...NAMES.map((name) => query[name] ?? null)];
    const after = this.cursors.read(query.cursor, list) ?? START;
    if (query.cursor === undefined) await this.recordReading(query);
    const rows = await this.find(query, after);
    return this.cursors.page(rows.map(shown), query.limit, list, placeOf);
  }

  /** Nobody else's id, nor from where somebody else came. */
  async listOwn({ userId }: Actor, { limit, cursor }: PageQuery) {
    const list = ['security-events', userId];
    const after = this.cursors.read(cursor, list) ?? START;
    const rows = await this.dataSource.sql<SecurityEventResponse[]>`
      SELECT id, recorded_at AS "recordedAt", event, outcome,
        CASE WHEN actor_id = user_id THEN 'you'
             WHEN actor_id IS NOT NULL THEN 'administrator' ELSE 'unknown' END AS by,
        CASE WHEN actor_id = user_id THEN host(ip) END AS ip,
        coalesce(facts->>'change', facts->>'action') AS change
      FROM audit_events
      WHERE user_id = ${userId} AND (recorded_at, id) < (${after.value}, ${after.id})
      ORDER BY recorded_at DESC, id DESC LIMIT ${rowsToRead(limit)}`;
    return this.cursors.page(rows, limit, list, placeOf);
  }

  /** Who looks where is an event like others, and nothing is shown without it. Once a list, not a page. */
  private recordReading({ userId }: ListAuditEventsQuery): Promise<void> {
    return this.dataSource.transaction((tx) =>
      this.log.record(tx, 'authz_admin', { action: 'read_audit', userId }),
    );
  }

  private find(query: ListAuditEventsQuery, after: Place): Promise<EventRow[]> {
    const found = this.dataSource
      .createQueryBuilder()
      .select('e.*')
      .from('audit_events', 'e')
      .where('(e.recorded_at, e.id) < (:value, :id)', after);
    for (const name of NAMES)
      if (query[name] !== undefined) found.andWhere(FILTERS[name], { [name]: query[name] });
    return found
      .orderBy('e.recorded_at', 'DESC')
      .addOrderBy('e.id', 'DESC')
      .limit(rowsToRead(query.limit))
      .getRawMany<EventRow>();
  }
}

function shown(row: EventRow) {
  const event = eventOf(row);
  const facts = Object.entries(event.facts).map(([name, value]) => ({ name, value: `${value}` }));
  return { ...event, facts };
}

const placeOf = ({ recordedAt, id }: { recordedAt: Date; id: string }): Place => ({
  value: recordedAt.toISOString(),
  id,
});
