import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Cursors, rowsToRead, type Place } from '../http/cursors.js';
import type { PageQuery } from '../http/page.dto.js';
import { UsersService } from '../users/users.service.js';
import type { SessionResponse } from './sessions.dto.js';
import { IDLE_DAYS } from './sessions.service.js';

/** Newer than any session. */
const START: Place = { value: 'infinity', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** The sessions that can still be continued, as their owner sees them (ASVS 7.5.2). */
@Injectable()
export class SessionListsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly users: UsersService,
    private readonly cursors: Cursors,
  ) {}

  listOwn(actor: Actor, query: PageQuery) {
    return this.list(actor, actor.userId, query);
  }

  /** Throws `not_found`. For administrators: the route says so. */
  async listOf(actor: Actor, userId: string, query: PageQuery) {
    await this.users.mustExist(userId);
    return this.list(actor, userId, query);
  }

  /** A session lives as long as `refresh` continues it: by its last day and by its newest token. */
  private async list(actor: Actor, userId: string, { limit, cursor }: PageQuery) {
    const list = ['sessions', actor.userId, userId];
    const after = this.cursors.read(cursor, list) ?? START;
    const rows = await this.dataSource.sql<SessionResponse[]>`
      SELECT s.id, s.device, s.network, s.created_at AS "createdAt",
        used.at AS "lastUsedAt", s.id = ${actor.sessionId} AS current
      FROM sessions s CROSS JOIN LATERAL (
        SELECT created_at AS at FROM refresh_tokens
        WHERE session_id = s.id ORDER BY created_at DESC LIMIT 1) used
      WHERE s.user_id = ${userId} AND s.revoked_at IS NULL AND s.expires_at > now()
        AND used.at > now() - ${IDLE_DAYS} * interval '1 day'
        AND (s.created_at, s.id) < (${after.value}, ${after.id})
      ORDER BY s.created_at DESC, s.id DESC LIMIT ${rowsToRead(limit)}`;
    return this.cursors.page(rows, limit, list, ({ createdAt, id }) => ({
      value: createdAt.toISOString(),
      id,
    }));
  }
}
