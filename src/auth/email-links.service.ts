import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { isUniqueViolation } from '../database/database-errors.js';
import { Problem } from '../http/problem.js';
import { AddressesService } from '../users/addresses.service.js';
import type { Found, Move, MovedRow, Recovered, Undone } from './email-moves.js';
import { FactorsService } from './factors.service.js';
import { MailLink } from './mail-link.entity.js';
import { MailLinksService } from './mail-links.service.js';
import { createToken, hashToken } from './tokens.js';

/** To see the new mailbox. */
export const CHANGE_MINUTES = 60;
/** Somebody who is away for a week still gets an account back that was moved from under him. */
export const UNDO_DAYS = 7;

/** Links that change the address of one account: each is bound to the account and to both addresses. */
@Injectable()
export class EmailLinksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: MailLinksService,
    private readonly factors: FactorsService,
    private readonly fields: SealedFields,
    private readonly addresses: AddressesService,
  ) {}

  /** The work is one transaction. Throws `invalid_link` when it moved nobody. */
  async move<T>(work: (tx: EntityManager) => Promise<T | undefined>): Promise<T> {
    const done = await this.dataSource.transaction(work);
    if (!done) throw new Problem('invalid_link');
    return done;
  }

  /** A new one takes the place of the one before. */
  async createChange(tx: EntityManager, { userId }: Actor, toEmail: string): Promise<string> {
    const token = createToken();
    await tx.sql`DELETE FROM mail_links WHERE user_id = ${userId} AND purpose = 'change_email'`;
    const tokenHash = hashToken(token);
    const sealed = await this.fields.seal(tx, MailLink, { tokenHash, userId, toEmail });
    await tx.sql`
      INSERT INTO mail_links
        (token_hash, user_id, purpose, from_index, to_email, to_index, expires_at)
      SELECT ${tokenHash}, id, 'change_email', email_index, ${sealed.toEmail},
             ${this.addresses.indexOf(toEmail)}, now() + ${CHANGE_MINUTES} * interval '1 minute'
      FROM users WHERE id = ${userId}`;
    return this.links.urlOf('account/confirm-email-change', token);
  }

  async createUndo(tx: EntityManager, { id, fromEmail, toEmail }: Move): Promise<string> {
    const token = createToken();
    const tokenHash = hashToken(token);
    const back = { tokenHash, userId: id, toEmail: fromEmail };
    const sealed = await this.fields.seal(tx, MailLink, back);
    await tx.sql`
      INSERT INTO mail_links
        (token_hash, user_id, purpose, from_index, to_email, to_index, expires_at)
      VALUES (${tokenHash}, ${id}, 'undo_email_change', ${this.addresses.indexOf(toEmail)},
              ${sealed.toEmail}, ${this.addresses.indexOf(fromEmail)},
              now() + ${UNDO_DAYS} * interval '1 day')`;
    return this.links.urlOf('account/undo-email-change', token);
  }

  /**
   * Moves the account, if it still has the address that it had. One statement spends the link and
   * decides: of any number of parallel uses one is told that it was the one.
   */
  async spendChange(tx: EntityManager, token: string): Promise<Move | undefined> {
    const link = await this.find(tx, 'change_email', token);
    if (!link) return undefined;
    const [moves] = await unlessTaken(
      tx.sql<[MovedRow[], number]>`
        WITH owner AS MATERIALIZED (
          SELECT u.id, u.email FROM mail_links l JOIN users u ON u.id = l.user_id
          WHERE l.token_hash = ${hashToken(token)} AND l.purpose = 'change_email'
            AND l.expires_at > now() AND u.email_index = l.from_index AND u.disabled_at IS NULL
          FOR UPDATE OF u
        ), spent AS (
          DELETE FROM mail_links
          WHERE token_hash = ${hashToken(token)} AND user_id IN (SELECT id FROM owner)
          RETURNING user_id, to_index
        )
        UPDATE users SET email = ${link.stored}, email_index = spent.to_index
        FROM spent, owner WHERE users.id = spent.user_id
        RETURNING users.id, owner.email`,
    );
    const moved = await this.addresses.open(tx, moves[0]);
    return moved && { id: moved.id, fromEmail: moved.email, toEmail: link.toEmail };
  }

  /** Whose link back this is. Looking does not spend it. */
  async findUndo(token: string): Promise<{ toEmail: string } | undefined> {
    return this.find(this.dataSource.manager, 'undo_email_change', token);
  }

  /**
   * Gives the account back its address, wherever it has been moved since, also if it is about to be
   * deleted, and a new password: who moved it knew the old one. Links back from later moves are worth
   * nothing then; those from earlier ones stay, so that a thief who moves it twice cannot use his own
   * against the owner.
   */
  async spendUndo(
    tx: EntityManager,
    token: string,
    newHash: string,
  ): Promise<Recovered | undefined> {
    const link = await this.find(tx, 'undo_email_change', token);
    if (!link) return undefined;
    const [moves] = await unlessTaken(
      tx.sql<[Undone[], number]>`
        WITH owner AS MATERIALIZED (
          SELECT u.id, l.expires_at FROM mail_links l JOIN users u ON u.id = l.user_id
          WHERE l.token_hash = ${hashToken(token)} AND l.purpose = 'undo_email_change'
            AND l.expires_at > now() AND NOT u.is_erased
            AND (u.disabled_at IS NULL OR u.delete_at > now())
          FOR UPDATE OF u
        ), spent AS (
          DELETE FROM mail_links l USING owner
          WHERE l.user_id = owner.id AND l.purpose = 'undo_email_change'
            AND l.expires_at >= owner.expires_at
          RETURNING l.token_hash, l.user_id, l.to_index, l.expires_at
        )
        UPDATE users SET email = ${link.stored}, email_index = spent.to_index,
          password_hash = ${newHash}, password_is_short = false,
          disabled_at = NULL, delete_at = NULL
        FROM spent
        WHERE users.id = spent.user_id AND spent.token_hash = ${hashToken(token)}
        RETURNING users.id, spent.expires_at - 2 * ${UNDO_DAYS} * interval '1 day' AS "addedSince"`,
    );
    return moves[0] && this.recovered(tx, moves[0], link.toEmail);
  }

  /**
   * From as long before the move as the link lives: a thief adds a factor of his own, which then keeps
   * the owner out, or lets his passkey in. Older ones stay: whoever reads a mailbox that the owner has
   * left must not get past them.
   */
  private async recovered(tx: EntityManager, { id, addedSince }: Undone, email: string) {
    await this.factors.removeAddedSince(tx, { id, email }, addedSince);
    return { id, email };
  }

  /** What a link says never changes: it is read before the statement that spends it. */
  private async find(
    tx: EntityManager,
    purpose: string,
    token: string,
  ): Promise<Found | undefined> {
    const [row] = await tx.sql<Pick<MailLink, 'tokenHash' | 'userId' | 'toEmail'>[]>`
      SELECT token_hash AS "tokenHash", user_id AS "userId", to_email AS "toEmail" FROM mail_links
      WHERE token_hash = ${hashToken(token)} AND purpose = ${purpose} AND expires_at > now()`;
    if (!row) return undefined;
    const { userId, toEmail } = await this.fields.openOne(tx, MailLink, row);
    return { toEmail, stored: await this.addresses.seal(tx, userId, toEmail) };
  }
}

/** The constraint decides who has an address; the loser learns only that his link is worth nothing. */
async function unlessTaken<Rows>(statement: Promise<[Rows[], number]>): Promise<[Rows[], number]> {
  try {
    return await statement;
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('invalid_link');
    throw error;
  }
}
