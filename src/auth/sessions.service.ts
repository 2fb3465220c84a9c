import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { RevocationFeed } from '../access/revocation-feed.js';
import { SecurityLog } from '../audit/security-log.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';
import { Mailer } from '../mail/mailer.js';
import { AddressesService } from '../users/addresses.service.js';
import type { Credentials } from '../users/credentials.service.js';
import { endSessionsOf } from './end-sessions.js';
import type { NewPassword } from './password-policy.js';
import {
  liveSession,
  type LiveSession,
  type SessionRow,
  type Started,
  type StartedRow,
} from './session-row.js';
import { createToken, hashToken } from './tokens.js';

/** However often it is refreshed, a session ends after this long (ASVS 7.3.2). */
export const SESSION_DAYS = 30;
/** A session that nobody continues for this long cannot be continued any more (ASVS 7.3.1). */
export const IDLE_DAYS = 7;

/** A live session and the refresh token that continues it, which is shown once. */
export interface OpenSession extends LiveSession {
  refreshToken: string;
}

interface PasswordChange {
  email: string;
  checkedHash: string;
  newPassword: NewPassword;
}

/** Where a session is opened: what its owner will recognize it by; and whether with two factors. */
export interface Origin {
  device: string;
  place: string | null;
  twoFactor?: boolean;
  byPasskey?: boolean;
}

@Injectable()
export class SessionsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly revocations: RevocationFeed,
    private readonly mailer: Mailer,
    private readonly addresses: AddressesService,
    private readonly log: SecurityLog,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /**
   * Opens a session if the user is enabled and the password is still the one that was checked: the
   * row is locked, so that a change of either comes wholly before or wholly after. Null otherwise, and
   * where a second factor is still to be proven.
   */
  async start(
    tx: EntityManager,
    { id, passwordHash }: Credentials,
    { device, place, twoFactor = false, byPasskey = false }: Origin,
  ): Promise<(OpenSession & Started) | null> {
    const refreshToken = createToken();
    // Sessions are forgotten after so many days: an older account without one may have had some.
    const [row] = await tx.sql<(SessionRow & StartedRow)[]>`
      WITH person AS (
        SELECT id, role, email,
          created_at > now() - ${SESSION_DAYS} * interval '1 day'
          AND NOT EXISTS (SELECT FROM sessions WHERE user_id = users.id) AS is_first
        FROM users
        WHERE id = ${id} AND password_hash = ${passwordHash} AND disabled_at IS NULL
          AND (${twoFactor} OR NOT has_second_factor)
        FOR SHARE
      ), session AS (
        INSERT INTO sessions (user_id, expires_at, device, network, second_factor, by_passkey)
        SELECT id, now() + ${SESSION_DAYS} * interval '1 day', ${device}, ${place}, ${twoFactor},
          ${byPasskey}
        FROM person
        RETURNING id, user_id, expires_at, authenticated_at, second_factor, by_passkey
      ), token AS (
        INSERT INTO refresh_tokens (token_hash, session_id)
        SELECT ${hashToken(refreshToken)}, id FROM session
      )
      SELECT session.*, role, email, is_first AS "isFirst" FROM session, person`;
    if (!row) return null;
    const { email } = await this.addresses.open(tx, { id, email: row.email });
    return { ...liveSession(row), refreshToken, email, isFirst: row.isFirst };
  }

  /**
   * Spends a refresh token for a new one. One conditional UPDATE decides, so that of any number of
   * parallel uses at most one succeeds. Throws `invalid_refresh_token`, or `token_reused` after it
   * has ended the whole session: either the thief or the owner holds the newer token (RFC 9700 §4.14.2).
   */
  async refresh(spent: string): Promise<OpenSession> {
    const refreshToken = createToken();
    // The session is locked first, as by its deletion: the two never wait for each other.
    const rows = await this.dataSource.sql<SessionRow[]>`
      WITH family AS MATERIALIZED (
        SELECT FROM sessions WHERE id = (
          SELECT session_id FROM refresh_tokens WHERE token_hash = ${hashToken(spent)})
        FOR KEY SHARE
      ), spent AS (
        UPDATE refresh_tokens t SET used_at = now()
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE t.token_hash = ${hashToken(spent)} AND t.used_at IS NULL AND s.id = t.session_id
          AND s.revoked_at IS NULL AND s.expires_at > now() AND u.disabled_at IS NULL
          AND EXISTS (SELECT FROM family)
          AND t.created_at > now() - ${IDLE_DAYS} * interval '1 day'
        RETURNING s.id, s.user_id, u.role, s.expires_at, s.authenticated_at, s.second_factor,
          s.by_passkey
      ), token AS (
        INSERT INTO refresh_tokens (token_hash, session_id)
        SELECT ${hashToken(refreshToken)}, id FROM spent
      )
      SELECT * FROM spent`;
    if (rows[0]) return { ...liveSession(rows[0]), refreshToken };
    throw await this.refuse(spent);
  }

  /**
   * Replaces the password, unless it is no longer the one that was checked, and ends every session
   * but the caller's. Says so by mail. Answers whether it did.
   */
  async changePassword(
    actor: Actor,
    { email, checkedHash, newPassword: { hash, isShort } }: PasswordChange,
  ): Promise<boolean> {
    const changed = await this.dataSource.transaction(async (tx) => {
      const [, count] = await tx.sql<[unknown, number]>`
        UPDATE users SET password_hash = ${hash}, password_is_short = ${isShort}
        WHERE id = ${actor.userId} AND password_hash = ${checkedHash}`;
      if (count === 0) return false;
      await mustBeLive(tx, actor);
      await tx.sql`
        UPDATE sessions SET revoked_at = now()
        WHERE user_id = ${actor.userId} AND id <> ${actor.sessionId} AND revoked_at IS NULL`;
      await this.mailer.send(tx, { to: email, template: 'passwordChanged', values: {} });
      await this.log.record(tx, 'authn_password_change', { userId: actor.userId });
      return true;
    });
    await this.revocations.caughtUp();
    return changed;
  }

  /** Without the old one: a link from a mail stands for it. Ends every session, and says so by mail. */
  async replacePassword(
    tx: EntityManager,
    { id, email }: { id: string; email: string },
    { hash, isShort }: NewPassword,
  ): Promise<void> {
    await tx.sql`
      UPDATE users SET password_hash = ${hash}, password_is_short = ${isShort} WHERE id = ${id}`;
    await endSessionsOf(tx, id);
    await this.mailer.send(tx, { to: email, template: 'passwordChanged', values: {} });
  }

  /** Resolves when this instance has heard of every session that ended before the call. */
  caughtUp(): Promise<void> {
    return this.revocations.caughtUp();
  }

  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE expires_at < now() LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }

  private async refuse(token: string): Promise<Problem> {
    const isReused = await this.dataSource.transaction(async (tx) => {
      const [ended] = await tx.sql<[{ id: string; user_id: string }[], number]>`
        UPDATE sessions SET revoked_at = coalesce(revoked_at, now())
        WHERE id = (SELECT session_id FROM refresh_tokens
                    WHERE token_hash = ${hashToken(token)} AND used_at IS NOT NULL)
        RETURNING id, user_id`;
      for (const { id: sessionId, user_id: userId } of ended)
        await this.log.record(tx, 'authn_token_reuse', { sessionId, userId });
      return ended.length > 0;
    });
    if (!isReused) return new Problem('invalid_refresh_token');
    await this.revocations.caughtUp();
    return new Problem('token_reused');
  }
}
