import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { UsersService } from '../users/users.service.js';
import { endSessionsOf } from './end-sessions.js';
import { SessionsService } from './sessions.service.js';
import { hashToken } from './tokens.js';

type Ended = Pick<Actor, 'userId' | 'sessionId'>;

/** Ends sessions: the one that asks, those of other devices, and of other people. */
@Injectable()
export class SessionEndsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly log: SecurityLog,
  ) {}

  async end(actor: Actor): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await tx.sql`
        UPDATE sessions SET revoked_at = now() WHERE id = ${actor.sessionId} AND revoked_at IS NULL`;
      await this.log.record(tx, 'authn_token_revoked', { ...actor });
    });
    await this.sessions.caughtUp();
  }

  /** Of whoever has one of these refresh tokens. Answers whose they were, if they were not over. */
  async endByRefreshTokens(tokens: string[]): Promise<Ended[]> {
    if (tokens.length === 0) return [];
    const { known, ended } = await this.dataSource.transaction(async (tx) => {
      const rows = await tx.sql<(Ended & { isEnded: boolean })[]>`
        WITH known AS (
          SELECT id, user_id FROM sessions WHERE id IN (
            SELECT session_id FROM refresh_tokens WHERE token_hash = ANY(${tokens.map(hashToken)}))
        ), ended AS (
          UPDATE sessions SET revoked_at = now()
          WHERE revoked_at IS NULL AND id IN (SELECT id FROM known) RETURNING id
        )
        SELECT user_id AS "userId", id AS "sessionId", id IN (SELECT id FROM ended) AS "isEnded"
        FROM known`;
      const now = rows
        .filter(({ isEnded }) => isEnded)
        .map(({ userId, sessionId }) => ({ userId, sessionId }));
      for (const each of now) await this.log.record(tx, 'authn_token_revoked', { ...each });
      return { known: rows, ended: now };
    });
    // Nobody waits for what is no token; for what another request is ending, too, everybody does.
    if (known.length > 0) await this.sessions.caughtUp();
    return ended;
  }

  async endAll(actor: Actor): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await endSessionsOf(tx, actor.userId);
      await this.log.record(tx, 'authn_token_revoked', { ...actor, everywhere: 1 });
    });
    await this.sessions.caughtUp();
  }

  /** One of one's own, the one that asks included. Throws `not_found`, for another's, too. */
  async endOwn({ userId, sessionId: by }: Actor, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const [, count] = await tx.sql<[unknown, number]>`
        UPDATE sessions SET revoked_at = now()
        WHERE id = ${id} AND user_id = ${userId} AND revoked_at IS NULL AND expires_at > now()`;
      if (count === 0) throw new Problem('not_found');
      await this.log.record(tx, 'authn_token_revoked', { userId, sessionId: id, by });
    });
    await this.sessions.caughtUp();
  }

  /** All of somebody's, at once. Throws `not_found`, `forbidden`. For administrators. */
  async endAllOf(actor: Actor, userId: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await this.users.mustBeAdministrator(tx, actor);
      // A sign-in that is under way has its session before this, or comes after it.
      const found = await tx.sql<unknown[]>`
        SELECT FROM users WHERE id = ${userId} FOR NO KEY UPDATE`;
      if (found.length === 0) throw new Problem('not_found');
      await endSessionsOf(tx, userId);
      const facts = { action: 'end_sessions', userId, by: actor.userId };
      await this.log.record(tx, 'authz_admin', facts);
    });
    await this.sessions.caughtUp();
  }
}
