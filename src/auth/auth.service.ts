import { Injectable } from '@nestjs/common';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import { AccessTokens } from './access-tokens.js';
import type { LoginRequest, RegisterRequest, TokensResponse } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import { SessionsService, type OpenSession } from './sessions.service.js';

@Injectable()
export class AuthService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly accessTokens: AccessTokens,
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

  /** Throws `invalid_credentials`, `rate_limited`, `overloaded`. */
  async login({ email, password }: LoginRequest, ip: string): Promise<TokensResponse> {
    const attempt = { account: email, ip };
    await this.throttle.admit(attempt);
    const known = await this.credentials.find({ email });
    const matches = await this.hasher.verify(known?.passwordHash, password);
    const session = known && matches ? await this.sessions.start(known) : null;
    if (!session) {
      this.log.record('authn_login_fail', { userId: known?.id, ip });
      throw new Problem('invalid_credentials');
    }
    await this.throttle.succeeded(attempt);
    this.log.record('authn_login_success', { ...session.actor, ip });
    return this.tokensFor(session);
  }

  /** Throws `invalid_refresh_token`, `token_reused`. */
  async refresh(refreshToken: string, ip: string): Promise<TokensResponse> {
    try {
      return await this.tokensFor(await this.sessions.refresh(refreshToken));
    } catch (error) {
      if (error instanceof Problem && error.code === 'token_reused')
        this.log.record('authn_token_reuse', { ...(error.cause as object), ip });
      throw error;
    }
  }

  async logout(actor: Actor): Promise<void> {
    await this.sessions.end(actor);
    this.log.record('authn_token_revoked', { ...actor });
  }

  async logoutEverywhere(actor: Actor): Promise<void> {
    await this.sessions.endAll(actor);
    this.log.record('authn_token_revoked', { ...actor, everywhere: 1 });
  }

  private async tokensFor({ actor, endsAt, refreshToken }: OpenSession): Promise<TokensResponse> {
    const { token, expiresIn } = await this.accessTokens.issue(actor, endsAt);
    this.log.record('authn_token_created', { ...actor });
    return { accessToken: token, tokenType: 'Bearer', expiresIn, refreshToken };
  }
}
