import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';

/** Browsers let only this very host set a cookie of such a name, only over TLS, and for no other host. */
const NAME = '__Host-refresh_token';
/** Scripts cannot read it, and pages of other sites do not send it (ASVS 3.3). */
const RULES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** The cookie in which a browser keeps its refresh token, out of the reach of scripts. */
export class RefreshCookie {
  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {}

  get isThere(): boolean {
    return this.received().length > 0;
  }

  /** Throws `cross_site_request`, `ambiguous_token`, `invalid_refresh_token`. */
  read(ownOrigin: string): string {
    this.mustBeFromOwnPage(ownOrigin);
    const [token, ...others] = this.received();
    // Of two, one is somebody else's, and nobody can say which.
    if (others.length > 0) throw new Problem('ambiguous_token');
    if (!token) throw new Problem('invalid_refresh_token');
    return token;
  }

  keep(token: string, endsAt: Date): void {
    const seconds = Math.floor((endsAt.getTime() - Date.now()) / 1_000);
    void this.reply.header('set-cookie', `${NAME}=${token}; Max-Age=${seconds}; ${RULES}`);
  }

  /** Where there is one. Its token is worth nothing any more. */
  forget(): void {
    if (this.isThere) void this.reply.header('set-cookie', `${NAME}=; Max-Age=0; ${RULES}`);
  }

  /**
   * SameSite lets pages of neighbours through (blog.example.com is of the same site as
   * api.example.com), and a POST without a body asks for no preflight. So the browser itself must say
   * that the page is ours: no script can write these headers (OWASP CSRF Prevention, Fetch Metadata
   * with Origin as its fallback). A request that says neither is refused. Throws `cross_site_request`.
   */
  mustBeFromOwnPage(ownOrigin: string): void {
    const { 'sec-fetch-site': site, origin } = this.request.headers;
    const isOwn = site === undefined ? origin === ownOrigin : site === 'same-origin';
    if (!isOwn) throw new Problem('cross_site_request');
  }

  private received(): string[] {
    return refreshTokensIn(this.request.headers.cookie);
  }
}

/** Taken as they are: where names are decoded or trimmed, another name becomes ours. */
export const refreshTokensIn = (cookies = ''): string[] =>
  cookies
    .split('; ')
    .filter((pair) => pair.startsWith(`${NAME}=`))
    .map((pair) => pair.slice(NAME.length + 1));

export const BrowserCookie = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const http = context.switchToHttp();
  return new RefreshCookie(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
});
