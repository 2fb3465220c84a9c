import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Actor } from '../access/actor.js';
import { actingAs } from '../database/acting.js';
import { JwtStrategy } from './jwt.strategy.js';
import { SessionEndsService } from './session-ends.service.js';

/** What becomes of an access token that crossed the net in clear. */
@Injectable()
export class LeakedTokensService {
  constructor(
    private readonly strategy: JwtStrategy,
    private readonly ends: SessionEndsService,
  ) {}

  /**
   * Ends the session of the token: whoever listened on the way has it, too. Only who holds a valid
   * token can cause that. Answers whose it was, if it was one.
   */
  async end(request: Pick<IncomingMessage, 'headersDistinct'>): Promise<Actor | undefined> {
    const actor = await this.strategy.authenticate(request).catch(() => undefined);
    if (actor) await this.endOwn(actor);
    return actor;
  }

  private endOwn(actor: Actor): Promise<void> {
    return actingAs(
      () => actor.userId,
      () => this.ends.end(actor),
    );
  }
}
