import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Actor } from '../access/actor.js';
import { acrossOwners, actingAs } from '../database/acting.js';
import { JwtStrategy } from './jwt.strategy.js';
import { refreshTokensIn } from './refresh-cookie.js';
import { SessionEndsService } from './session-ends.service.js';

/** What becomes of the tokens that crossed the net in clear. */
@Injectable()
export class LeakedTokensService {
  constructor(
    private readonly strategy: JwtStrategy,
    private readonly ends: SessionEndsService,
  ) {}

  /**
   * Ends the session of an access token, and that of a browser's cookie: whoever listened on the way
   * has it, too. Only who holds a token can cause that. Answers whose it was, if it was one.
   */
  async end(
    request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
  ): Promise<Pick<Actor, 'userId' | 'sessionId'> | undefined> {
    const actor = await this.strategy.authenticate(request).catch(() => undefined);
    if (actor) await this.endOwn(actor);
    const tokens = refreshTokensIn(request.headers.cookie);
    const [ended] = await acrossOwners(() => this.ends.endByRefreshTokens(tokens));
    return actor ?? ended;
  }

  private endOwn(actor: Actor): Promise<void> {
    return actingAs(
      () => actor.userId,
      () => this.ends.end(actor),
    );
  }
}
