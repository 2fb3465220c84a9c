import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { SecurityLog } from '../audit/security-log.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Mailer } from '../mail/mailer.js';
import { Invitation } from './invitation.entity.js';
import { MailLinksService } from './mail-links.service.js';
import { createToken, hashToken } from './tokens.js';

export const INVITATION_DAYS = 7;

/** An administrator names an address; whoever reads its mail may have an account. */
@Injectable()
export class InvitationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: MailLinksService,
    private readonly mailer: Mailer,
    private readonly log: SecurityLog,
    private readonly fields: SealedFields,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /** A new invitation takes the place of the one before. Who has an account gets none. */
  async invite(actor: Actor, email: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await tx.sql`SELECT FROM users WHERE id = ${actor.userId} FOR NO KEY UPDATE`;
      await mustBeLive(tx, actor);
      const link = await this.create(tx, email);
      if (link) await this.mailer.send(tx, { to: email, template: 'invitation', values: { link } });
      await this.log.record(tx, 'authz_admin', { action: 'invite', by: actor.userId });
    });
  }

  async create(tx: EntityManager, email: string): Promise<string | undefined> {
    const token = createToken();
    const emailIndex = this.links.indexOf(email);
    const sealed = await this.fields.seal(tx, Invitation, { emailIndex, email });
    const rows = await tx.sql<unknown[]>`
      INSERT INTO invitations (email_index, email, token_hash, expires_at)
      SELECT ${emailIndex}::bytea, ${sealed.email}::bytea, ${hashToken(token)},
             now() + ${INVITATION_DAYS} * interval '1 day'
      WHERE NOT EXISTS (SELECT FROM users WHERE users.email_index = ${emailIndex})
      ON CONFLICT (email_index) DO UPDATE
        SET email = excluded.email, token_hash = excluded.token_hash,
            expires_at = excluded.expires_at
      RETURNING true`;
    return rows.length > 0 ? this.links.urlOf('account/accept-invitation', token) : undefined;
  }

  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM invitations WHERE email_index IN (
      SELECT email_index FROM invitations WHERE expires_at < now()
      LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }
}
