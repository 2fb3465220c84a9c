import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Problem } from '../http/problem.js';
import type { Credentials } from '../users/credentials.service.js';
import type { SecondFactorRequest, TokensResponse } from './auth.dto.js';
import type { Caller } from './auth.service.js';
import { ChallengesService } from './challenges.service.js';
import { FactorCodesService } from './factor-codes.service.js';
import { LoginThrottle } from './login-throttle.js';
import type { RefreshCookie } from './refresh-cookie.js';
import type { OpenSession } from './sessions.service.js';
import { SignInsService, type Source } from './sign-ins.service.js';
import { TokensService } from './tokens.service.js';

/** The second half of signing in. */
@Injectable()
export class SecondFactorService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly challenges: ChallengesService,
    private readonly codes: FactorCodesService,
    private readonly signIns: SignInsService,
    private readonly throttle: LoginThrottle,
    private readonly tokens: TokensService,
  ) {}

  /**
   * All or nothing: what opened no session is not spent. Throws `invalid_challenge`, `wrong_code`,
   * `rate_limited`, `too_many_failures`, `cross_site_request`.
   */
  async signIn(
    { challenge, code, refreshTokenIn }: SecondFactorRequest,
    { ip, device }: Caller,
    cookie: RefreshCookie,
  ): Promise<TokensResponse> {
    const chosen = this.tokens.chosen(refreshTokenIn, cookie);
    const person = await this.challenges.admit(challenge);
    const attempt = { account: person.email, ip };
    await this.codes.admit(attempt, code);
    const session = await this.dataSource.transaction(async (tx) => {
      const known = await this.challenges.spend(tx, challenge, person);
      await this.codes.spend(tx, known, code);
      return this.open(tx, known, { attempt, device, twoFactor: true });
    });
    await this.throttle.succeeded(attempt);
    await this.throttle.codeSucceeded(attempt);
    return this.tokens.issue(session, chosen);
  }

  private async open(tx: EntityManager, who: Credentials, from: Source): Promise<OpenSession> {
    const session = await this.signIns.openIn(tx, who, from);
    if (!session) throw new Problem('invalid_challenge');
    return session;
  }
}
