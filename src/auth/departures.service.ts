import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Mailer } from '../mail/mailer.js';
import { UsersService } from '../users/users.service.js';
import { AccountService } from './account.service.js';
import { UNDO_DAYS } from './email-links.service.js';
import { MailLinksService } from './mail-links.service.js';
import { createToken, hashToken } from './tokens.js';

/** As long as a change of address can be taken back: who moved the account cannot then be quicker. */
export const GRACE_DAYS = UNDO_DAYS;

/** Between the wish to have no account any more and its end there is time to think again. */
@Injectable()
export class DeparturesService {
  constructor(
    private readonly users: UsersService,
    private readonly account: AccountService,
    private readonly links: MailLinksService,
    private readonly mailer: Mailer,
  ) {}

  /** Ends every session. Throws `wrong_password`, `last_administrator`, `rate_limited`. */
  async begin(actor: Actor, currentPassword: string, ip: string): Promise<void> {
    await this.account.reauthenticate(actor, currentPassword, ip);
    await this.leave(actor);
  }

  private leave(actor: Actor): Promise<void> {
    return this.users.leave(actor, GRACE_DAYS, async (tx, { email, deleteAt }) => {
      const values = { link: await this.createLink(tx, actor), time: deleteAt.toUTCString() };
      await this.mailer.send(tx, { to: email, template: 'accountLeaving', values });
    });
  }

  async createLink(tx: EntityManager, { userId }: Actor): Promise<string> {
    const token = createToken();
    await tx.sql`
      INSERT INTO mail_links (token_hash, user_id, purpose, expires_at)
      SELECT ${hashToken(token)}, id, 'cancel_deletion', delete_at FROM users WHERE id = ${userId}`;
    return this.links.urlOf('account/cancel-deletion', token);
  }
}
