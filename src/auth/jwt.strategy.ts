import { Injectable } from '@nestjs/common';
import { callbackify } from 'node:util';
import { Strategy } from 'passport-jwt';
import type { IncomingMessage } from 'node:http';
import type { Actor } from '../access/actor.js';
import { AccessTokens } from './access-tokens.js';

/** RFC 6750 §2.1, whole: passport-jwt's own reader takes the first of several tokens. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

// passport-jwt would verify with jsonwebtoken, on the event loop. Its seam for another verifier is
// one function for the whole process, so ours keeps no state: it is handed the instance's own tokens.
(Strategy as unknown as { JwtVerifier: unknown }).JwtVerifier = callbackify(
  (token: string, tokens: AccessTokens, _options: unknown) => tokens.verify(token),
);

/**
 * passport-jwt without passport's registry: that is one for the whole process too, and two apps in a
 * process (two instances in a test) would verify each other's tokens by the last one's rules.
 */
@Injectable()
export class JwtStrategy {
  private readonly strategy: Strategy;

  constructor(tokens: AccessTokens) {
    this.strategy = new Strategy(
      {
        // The header only: a token in an URL ends up in logs (RFC 6750 §5.3, ASVS 14.2.1).
        jwtFromRequest: ({ headersDistinct }) => {
          const [header = '', ...others] = headersDistinct['authorization'] ?? [];
          // Of two headers, a proxy may have looked at the other one.
          return others.length === 0 ? (BEARER.exec(header)?.[1] ?? null) : null;
        },
        secretOrKeyProvider: (_request, _token, done) => done(null, tokens as never),
      },
      (actor: Actor, done) => done(null, actor),
    );
  }

  /** The caller's identity as the token states it. Rejects when there is no valid token. */
  authenticate(request: Pick<IncomingMessage, 'headersDistinct'>): Promise<Actor> {
    return new Promise((resolve, reject) => {
      const attempt = Object.assign(Object.create(this.strategy) as Strategy, {
        success: resolve,
        fail: reject,
        error: reject,
      });
      attempt.authenticate(request as never);
    });
  }
}
