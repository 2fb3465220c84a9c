import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { bearerProblem, Problem } from '../http/problem.js';
import { CredentialsService, type Credentials } from '../users/credentials.service.js';
import { AccountService } from './account.service.js';
import type { AccessTokenResponse, ReauthenticateRequest } from './auth.dto.js';
import { FactorCodesService } from './factor-codes.service.js';
import { LoginThrottle } from './login-throttle.js';
import { liveSession, type SessionRow } from './session-row.js';
import { TokensService } from './tokens.service.js';

/** Proves anew who is there, without another session (RFC 9470). */
@Injectable()
export class StepUpService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly account: AccountService,
    private readonly credentials: CredentialsService,
    private readonly codes: FactorCodesService,
    private readonly throttle: LoginThrottle,
    private readonly tokens: TokensService,
  ) {}

  /** Throws `wrong_password`, `second_factor_required`, `wrong_code`, `rate_limited`. */
  async reauthenticate(
    actor: Actor,
    { password, code }: ReauthenticateRequest,
    ip: string,
  ): Promise<AccessTokenResponse> {
    const known = await this.account.reauthenticate(actor, password, ip);
    const attempt = { account: known.email, ip };
    if (code !== undefined) await this.codes.admit(attempt, code);
    const row = await this.dataSource.transaction((tx) => this.freshen(tx, actor, known, code));
    if (row.second_factor) await this.throttle.codeSucceeded(attempt);
    return this.tokens.accessTokenOf(liveSession(row));
  }

  private async freshen(tx: EntityManager, actor: Actor, checked: Credentials, code?: string) {
    const known = await this.credentials.lock(tx, actor.userId);
    if (known?.passwordHash !== checked.passwordHash) throw new Problem('wrong_password');
    if (known.hasSecondFactor) await this.proveSecond(tx, known, code);
    const [rows] = await tx.sql<[SessionRow[], number]>`
      UPDATE sessions s SET authenticated_at = now(), second_factor = u.has_second_factor
      FROM users u
      WHERE s.id = ${actor.sessionId} AND u.id = s.user_id
        AND s.revoked_at IS NULL AND s.expires_at > now()
      RETURNING s.id, s.user_id, u.role, s.expires_at, s.authenticated_at, s.second_factor`;
    // It ended while the password was hashed.
    if (!rows[0]) throw bearerProblem('invalid_token');
    return rows[0];
  }

  private async proveSecond(
    tx: EntityManager,
    known: { id: string; email: string },
    code?: string,
  ) {
    if (code === undefined) throw new Problem('second_factor_required');
    await this.codes.spend(tx, known, code);
  }
}
