import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import type { TokensResponse } from './auth.dto.js';
import type { Caller } from './auth.service.js';
import { LoginThrottle } from './login-throttle.js';
import type { PasskeySignInRequest } from './passkeys.dto.js';
import { PasskeysService } from './passkeys.service.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SignInsService } from './sign-ins.service.js';
import { TokensService } from './tokens.service.js';

/** Signing in without a password. */
@Injectable()
export class PasskeySignInService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly passkeys: PasskeysService,
    private readonly credentials: CredentialsService,
    private readonly signIns: SignInsService,
    private readonly throttle: LoginThrottle,
    private readonly tokens: TokensService,
  ) {}

  /**
   * With its user verified, a passkey is both factors (NIST SP 800-63B-4 §3.1.7). Nobody guesses one:
   * no failures are counted. Throws `invalid_passkey`, `cross_site_request`.
   */
  async signIn(
    { refreshTokenIn, ...answer }: PasskeySignInRequest,
    { ip, device }: Caller,
    cookie: RefreshCookie,
  ): Promise<TokensResponse> {
    const chosen = this.tokens.chosen(refreshTokenIn, cookie);
    const proven = await this.passkeys.prove(answer, { purpose: 'sign_in' });
    const attempt = { account: proven.email, ip };
    const from = { attempt, device, twoFactor: true, byPasskey: true };
    const session = await this.dataSource.transaction(async (tx) => {
      const known = await this.credentials.lock(tx, proven.userId);
      if (!known) return null;
      return this.passkeys.count(tx, proven, () => this.signIns.openIn(tx, known, from));
    });
    if (!session) throw new Problem('invalid_passkey');
    await this.throttle.succeeded(attempt);
    await this.throttle.codeSucceeded(attempt);
    return this.tokens.issue(session, chosen);
  }
}
