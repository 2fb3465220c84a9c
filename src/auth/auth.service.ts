import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { CredentialsService, type Credentials } from '../users/credentials.service.js';
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
   * Throws `invalid_credentials`, `address_not_verified`, `account_leaving`, `second_factor_required`,
   * `rate_limited`, `overloaded`, `cross_site_request`.
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
    const proven = known && matches ? await this.upToDate(known, password) : null;
    const session = proven && (await this.signIns.open(proven, { attempt, device }));
    if (!session) {
      this.log.tell('authn_login_fail', { userId: known?.id, ip });
      return this.refuse({ email, password }, known, matches);
    }
    await this.throttle.succeeded(attempt);
    return this.tokens.issue(session, chosen);
  }

  /** Now the password is known: a hash of weaker parameters than today's is made anew (ASVS 11.4.2). */
  private async upToDate(known: Credentials, password: string): Promise<Credentials | null> {
    if (!this.hasher.isOutdated(known.passwordHash)) return known;
    const passwordHash = await this.hasher.hashAgain(password);
    if (await this.credentials.replaceHash(known, passwordHash)) return { ...known, passwordHash };
    // Somebody was faster: another sign-in, or a change of the password.
    const current = await this.credentials.find({ id: known.id });
    return current && (await this.hasher.verify(current.passwordHash, password)) ? current : null;
  }

  /** Only who knows the password hears of an account that is about to go, or of a sign-up. */
  private async refuse(
    { email, password }: LoginRequest,
    known: Credentials | null,
    matches: boolean,
  ): Promise<never> {
    if (known && matches && (await this.credentials.isLeaving(known)))
      throw new Problem('account_leaving');
    // Asked where there is an account, too: otherwise signing up and then in would tell.
    const pendingHash = await this.credentials.findPendingHash(email);
    const isPending = await this.hasher.verify(pendingHash, password);
    throw new Problem(isPending ? 'address_not_verified' : 'invalid_credentials');
  }
}
