import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Problem } from '../http/problem.js';
import type { TokensResponse } from './auth.dto.js';
import type { Caller } from './auth.service.js';
import { ChallengesService } from './challenges.service.js';
import { LoginThrottle } from './login-throttle.js';
import type { PasskeyFactorRequest } from './passkeys.dto.js';
import { PasskeysService } from './passkeys.service.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SignInsService } from './sign-ins.service.js';
import { TokensService } from './tokens.service.js';

/** The second half of signing in, with a passkey in place of a code. */
@Injectable()
export class PasskeyFactorService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly challenges: ChallengesService,
    private readonly passkeys: PasskeysService,
    private readonly signIns: SignInsService,
    private readonly throttle: LoginThrottle,
    private readonly tokens: TokensService,
  ) {}

  /**
   * The passkey signs the token of the password's challenge: its answer is good for this sign-in and no
   * other. Throws `invalid_challenge`, `invalid_passkey`, `cross_site_request`.
   */
  async signIn(
    { challenge, refreshTokenIn, ...answer }: PasskeyFactorRequest,
    { ip, device }: Caller,
    cookie: RefreshCookie,
  ): Promise<TokensResponse> {
    const chosen = this.tokens.chosen(refreshTokenIn, cookie);
    const person = await this.challenges.admit(challenge);
    const proven = await this.passkeys.verify(answer, challenge, person.id);
    const attempt = { account: person.email, ip };
    const session = await this.dataSource.transaction(async (tx) => {
      const known = await this.challenges.spend(tx, challenge, person);
      const from = { attempt, device, twoFactor: true };
      return this.passkeys.count(tx, proven, () => this.signIns.openIn(tx, known, from));
    });
    if (!session) throw new Problem('invalid_passkey');
    await this.throttle.succeeded(attempt);
    await this.throttle.codeSucceeded(attempt);
    return this.tokens.issue(session, chosen);
  }
}
