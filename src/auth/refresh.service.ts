import { Injectable } from '@nestjs/common';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import type { RefreshRequest, TokensResponse } from './auth.dto.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SessionsService } from './sessions.service.js';
import { TokensService } from './tokens.service.js';

/** Continues the session that asks, or ends it. */
@Injectable()
export class RefreshService {
  constructor(
    private readonly sessions: SessionsService,
    private readonly tokens: TokensService,
    private readonly log: SecurityLog,
  ) {}

  /**
   * A token that came in the cookie goes back into it: no script of the page can have it told. Throws
   * `invalid_refresh_token`, `token_reused`, `ambiguous_token`, `cross_site_request`.
   */
  async refresh(
    { refreshToken }: RefreshRequest,
    ip: string,
    cookie: RefreshCookie,
  ): Promise<TokensResponse> {
    const spent = this.tokens.take(refreshToken, cookie);
    try {
      const session = await this.sessions.refresh(spent);
      return await this.tokens.issue(session, refreshToken === undefined ? cookie : undefined);
    } catch (error) {
      if (error instanceof Problem && error.code === 'token_reused')
        this.log.record('authn_token_reuse', { ...(error.cause as object), ip });
      throw error;
    }
  }

  async logout(actor: Actor, cookie: RefreshCookie): Promise<void> {
    await this.sessions.end(actor);
    cookie.forget();
    this.log.record('authn_token_revoked', { ...actor });
  }

  async logoutEverywhere(actor: Actor, cookie: RefreshCookie): Promise<void> {
    await this.sessions.endAll(actor);
    cookie.forget();
    this.log.record('authn_token_revoked', { ...actor, everywhere: 1 });
  }
}
