import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import type { LoginRequest, TokensResponse } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SignInsService } from './sign-ins.service.js';
import { TokensService } from './tokens.service.js';

/** Who signs in, as far as the connection tells. */
export interface Caller {
  ip: string;
  device: string;
}

@Injectable()
export class AuthService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly signIns: SignInsService,
    private readonly tokens: TokensService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
  ) {}

  /**
   * Throws `invalid_credentials`, `address_not_verified`, `second_factor_required`, `rate_limited`,
   * `overloaded`, `cross_site_request`.
   */
  async login(
    { email, password, refreshTokenIn }: LoginRequest,
    { ip, device }: Caller,
    cookie: RefreshCookie,
  ): Promise<TokensResponse> {
    const chosen = this.tokens.chosen(refreshTokenIn, cookie);
    const attempt = { account: email, ip };
    await this.throttle.admit(attempt);
    const known = await this.credentials.find({ email });
    const matches = await this.hasher.verify(known?.passwordHash, password);
    const session = known && matches ? await this.signIns.open(known, { attempt, device }) : null;
    if (!session) {
      this.log.record('authn_login_fail', { userId: known?.id, ip });
      // Only who knows the password of a sign-up hears of it. Asked where there is an account, too:
      // otherwise signing up and then in would tell.
      const pendingHash = await this.credentials.findPendingHash(email);
      const isPending = await this.hasher.verify(pendingHash, password);
      throw new Problem(isPending ? 'address_not_verified' : 'invalid_credentials');
    }
    await this.throttle.succeeded(attempt);
    return this.tokens.signedIn(session, ip, chosen);
  }
}
