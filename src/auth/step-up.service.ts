import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../http/problem.js';
import { CredentialsService, type Credentials } from '../users/credentials.service.js';
import { AccountService } from './account.service.js';
import type { AccessTokenResponse, ReauthenticateRequest } from './auth.dto.js';
import { FactorCodesService } from './factor-codes.service.js';
import { freshenSession } from './freshen-session.js';
import { LoginThrottle } from './login-throttle.js';
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
    const session = await this.dataSource.transaction((tx) => this.freshen(tx, actor, known, code));
    if (session.actor.twoFactor) await this.throttle.codeSucceeded(attempt);
    return this.tokens.accessTokenOf(session);
  }

  private async freshen(tx: EntityManager, actor: Actor, checked: Credentials, code?: string) {
    const known = await this.credentials.lock(tx, actor.userId);
    if (known?.passwordHash !== checked.passwordHash) throw new Problem('wrong_password');
    if (known.hasSecondFactor) await this.proveSecond(tx, known, code);
    return freshenSession(tx, actor, false);
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
