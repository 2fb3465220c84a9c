import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { SecurityLog } from '../audit/security-log.js';
import { Mailer } from '../mail/mailer.js';
import { AccountService } from './account.service.js';
import type { ChangeEmailRequest } from './auth.dto.js';
import { endSessionsOf } from './end-sessions.js';
import { EmailLinksService } from './email-links.service.js';
import type { Move } from './email-moves.js';
import { SessionsService } from './sessions.service.js';

/** An account gets another address: the new mailbox says yes, the old one can say no afterwards. */
@Injectable()
export class EmailChangesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly account: AccountService,
    private readonly links: EmailLinksService,
    private readonly mailer: Mailer,
    private readonly sessions: SessionsService,
    private readonly log: SecurityLog,
  ) {}

  /**
   * The same answer, the same work and the same mail whether or not somebody has the address: that is
   * decided when the link is used. Throws `wrong_password`, `rate_limited`, `overloaded`.
   */
  async request(actor: Actor, request: ChangeEmailRequest, ip: string): Promise<void> {
    const { newEmail, currentPassword } = request;
    await this.account.reauthenticate(actor, currentPassword, ip);
    await this.dataSource.transaction(async (tx) => {
      await tx.sql`SELECT FROM users WHERE id = ${actor.userId} FOR NO KEY UPDATE`;
      await mustBeLive(tx, actor);
      const link = await this.links.createChange(tx, actor, newEmail);
      await this.mailer.send(tx, { to: newEmail, template: 'confirmEmail', values: { link } });
    });
  }

  /** Ends every session. Throws `invalid_link`. */
  async confirm(token: string): Promise<void> {
    await this.links.move(async (tx) => {
      const move = await this.links.spendChange(tx, token);
      if (move) await this.endSessionsAndTell(tx, move);
      return move;
    });
    await this.sessions.caughtUp();
  }

  private async endSessionsAndTell(tx: EntityManager, move: Move): Promise<void> {
    await this.log.record(tx, 'user_updated', { userId: move.id, change: 'email' });
    await endSessionsOf(tx, move.id);
    const link = await this.links.createUndo(tx, move);
    await this.mailer.send(tx, { to: move.fromEmail, template: 'emailChanged', values: { link } });
  }
}
