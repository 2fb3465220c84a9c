import { Injectable } from '@nestjs/common';
import type { Actor } from '../access/actor.js';
import type { RefreshRequest, TokensResponse } from './auth.dto.js';
import type { RefreshCookie } from './refresh-cookie.js';
import { SessionEndsService } from './session-ends.service.js';
import { SessionsService } from './sessions.service.js';
import { TokensService } from './tokens.service.js';

/** Continues the session that asks, or ends it. */
@Injectable()
export class RefreshService {
  constructor(
    private readonly sessions: SessionsService,
    private readonly ends: SessionEndsService,
    private readonly tokens: TokensService,
  ) {}

  /**
   * A token that came in the cookie goes back into it: no script of the page can have it told. Throws
   * `invalid_refresh_token`, `token_reused`, `ambiguous_token`, `cross_site_request`.
   */
  async refresh({ refreshToken }: RefreshRequest, cookie: RefreshCookie): Promise<TokensResponse> {
    const spent = this.tokens.take(refreshToken, cookie);
    const session = await this.sessions.refresh(spent);
    return this.tokens.issue(session, refreshToken === undefined ? cookie : undefined);
  }

  async logout(actor: Actor, cookie: RefreshCookie): Promise<void> {
    await this.ends.end(actor);
    cookie.forget();
  }

  async logoutEverywhere(actor: Actor, cookie: RefreshCookie): Promise<void> {
    await this.ends.endAll(actor);
    cookie.forget();
  }
}
