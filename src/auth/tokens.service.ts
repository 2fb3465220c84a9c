import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/security-log.js';
import { Config } from '../config/config.js';
import { Problem } from '../http/problem.js';
import { AccessTokens } from './access-tokens.js';
import type { AccessTokenResponse, TokenPlace, TokensResponse } from './auth.dto.js';
import type { RefreshCookie } from './refresh-cookie.js';
import type { LiveSession } from './session-row.js';
import type { OpenSession } from './sessions.service.js';

/** Hands tokens out and takes them back: in the body, or the refresh token in a browser's cookie. */
@Injectable()
export class TokensService {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly log: SecurityLog,
    private readonly config: Config,
  ) {}

  /** The cookie, if the client asks for it. Throws `cross_site_request`. */
  chosen(place: TokenPlace | undefined, cookie: RefreshCookie): RefreshCookie | undefined {
    if (place !== 'cookie') return undefined;
    cookie.mustBeFromOwnPage(this.config.publicUrl);
    return cookie;
  }

  /** Throws `ambiguous_token` for one in each place, `invalid_refresh_token`, `cross_site_request`. */
  take(inBody: string | undefined, cookie: RefreshCookie): string {
    if (inBody === undefined) return cookie.read(this.config.publicUrl);
    if (cookie.isThere) throw new Problem('ambiguous_token');
    return inBody;
  }

  async issue(session: OpenSession, cookie: RefreshCookie | undefined): Promise<TokensResponse> {
    const { endsAt, refreshToken } = session;
    const tokens = await this.accessTokenOf(session);
    if (!cookie) return Object.assign(tokens, { refreshToken });
    cookie.keep(refreshToken, endsAt);
    return tokens;
  }

  /** An access token alone: the session's refresh token stays as it is. */
  async accessTokenOf({ actor, endsAt }: LiveSession): Promise<AccessTokenResponse> {
    const { token, expiresIn } = await this.accessTokens.issue(actor, endsAt);
    this.log.tell('authn_token_created', { ...actor });
    return { accessToken: token, tokenType: 'Bearer', expiresIn };
  }
}
