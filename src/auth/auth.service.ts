import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import type { LoginRequest, RegisterRequest, TokensResponse } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SignInsService } from './sign-ins.service.js';
import { TokensService } from './tokens.service.js';

/** Who signs in, as far as the connection tells. */
interface Caller {
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

  /** The same answer and the same work whether or not the address is taken (ASVS 6.3.8). */
  async register({ email, password, displayName = '' }: RegisterRequest): Promise<void> {
    checkPassword(password, email);
    const passwordHash = await this.hasher.hash(password);
    const id = await this.credentials.create({ email, displayName, passwordHash, role: 'user' });
    if (id) this.log.record('user_created', { userId: id });
  }

  /** Throws `invalid_credentials`, `rate_limited`, `overloaded`, `cross_site_request`. */
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
    const session = known && matches ? await this.signIns.open(known, attempt, device) : null;
    if (!session) {
      this.log.record('authn_login_fail', { userId: known?.id, ip });
      throw new Problem('invalid_credentials');
    }
    await this.throttle.succeeded(attempt);
    this.log.record('authn_login_success', { ...session.actor, ip });
    return this.tokens.issue(session, chosen);
  }
}
