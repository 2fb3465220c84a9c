import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { isUniqueViolation } from '../database/database-errors.js';
import { Problem } from '../http/problem.js';
import { FactorsService } from './factors.service.js';
import { MailLinksService } from './mail-links.service.js';
import { createToken, hashToken } from './tokens.js';

/** To see the new mailbox. */
export const CHANGE_MINUTES = 60;
/** Somebody who is away for a week still gets an account back that was moved from under him. */
export const UNDO_DAYS = 7;

/** An account moves from one address to another. */
export interface Move {
  id: string;
  fromEmail: string;
  toEmail: string;
}

/** A move that is taken back. */
interface Undone extends Move {
  addedSince: Date;
}

/** Links that change the address of one account: each is bound to the account and to both addresses. */
@Injectable()
export class EmailLinksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: MailLinksService,
    private readonly factors: FactorsService,
  ) {}

  /** The work is one transaction. Throws `invalid_link` when it moved nobody. */
  async move(work: (tx: EntityManager) => Promise<Move | undefined>): Promise<Move> {
    const done = await this.dataSource.transaction(work);
    if (!done) throw new Problem('invalid_link');
    return done;
  }

  /** A new one takes the place of the one before. */
  async createChange(tx: EntityManager, { userId }: Actor, toEmail: string): Promise<string> {
    const token = createToken();
    await tx.sql`DELETE FROM mail_links WHERE user_id = ${userId} AND purpose = 'change_email'`;
    await tx.sql`
      INSERT INTO mail_links (token_hash, user_id, purpose, from_email, to_email, expires_at)
      SELECT ${hashToken(token)}, id, 'change_email', email, ${toEmail},
             now() + ${CHANGE_MINUTES} * interval '1 minute'
      FROM users WHERE id = ${userId}`;
    return this.links.urlOf('account/confirm-email-change', token);
  }

  async createUndo(tx: EntityManager, { id, fromEmail, toEmail }: Move): Promise<string> {
    const token = createToken();
    await tx.sql`
      INSERT INTO mail_links (token_hash, user_id, purpose, from_email, to_email, expires_at)
      VALUES (${hashToken(token)}, ${id}, 'undo_email_change', ${toEmail}, ${fromEmail},
              now() + ${UNDO_DAYS} * interval '1 day')`;
    return this.links.urlOf('account/undo-email-change', token);
  }

  /**
   * Moves the account, if it still has the address that it had. One statement spends the link and
   * decides: of any number of parallel uses one is told that it was the one.
   */
  async spendChange(tx: EntityManager, token: string): Promise<Move | undefined> {
    const [moves] = await unlessTaken(
      tx.sql<[Move[], number]>`
        WITH owner AS MATERIALIZED (
          SELECT u.id FROM mail_links l JOIN users u ON u.id = l.user_id
          WHERE l.token_hash = ${hashToken(token)} AND l.purpose = 'change_email'
            AND l.expires_at > now() AND u.email = l.from_email AND u.disabled_at IS NULL
          FOR UPDATE OF u
        ), spent AS (
          DELETE FROM mail_links
          WHERE token_hash = ${hashToken(token)} AND user_id IN (SELECT id FROM owner)
          RETURNING user_id, from_email, to_email
        )
        UPDATE users SET email = spent.to_email FROM spent WHERE users.id = spent.user_id
        RETURNING users.id, from_email AS "fromEmail", to_email AS "toEmail"`,
    );
    return moves[0];
  }

  /** Whose link back this is. Looking does not spend it. */
  async findUndo(token: string): Promise<{ toEmail: string } | undefined> {
    const rows = await this.dataSource.sql<{ toEmail: string }[]>`
      SELECT to_email AS "toEmail" FROM mail_links
      WHERE token_hash = ${hashToken(token)} AND purpose = 'undo_email_change'
        AND expires_at > now()`;
    return rows[0];
  }

  /**
   * Gives the account back its address, wherever it has been moved since, also if it is about to be
   * deleted, and a new password: who moved it knew the old one. Links back from later moves are worth
   * nothing then; those from earlier ones stay, so that a thief who moves it twice cannot use his own
   * against the owner.
   */
  async spendUndo(tx: EntityManager, token: string, newHash: string): Promise<Move | undefined> {
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
          RETURNING l.token_hash, l.user_id, l.from_email, l.to_email, l.expires_at
        )
        UPDATE users SET email = spent.to_email, password_hash = ${newHash}, password_is_short = false,
          disabled_at = NULL, delete_at = NULL
        FROM spent
        WHERE users.id = spent.user_id AND spent.token_hash = ${hashToken(token)}
        RETURNING users.id, from_email AS "fromEmail", to_email AS "toEmail",
          spent.expires_at - 2 * ${UNDO_DAYS} * interval '1 day' AS "addedSince"`,
    );
    if (moves[0]) await this.removeNewFactors(tx, moves[0]);
    return moves[0];
  }

  /**
   * From as long before the move as the link lives: a thief adds a factor of his own, which then keeps
   * the owner out, or lets his passkey in. Older ones stay: whoever reads a mailbox that the owner has
   * left must not get past them.
   */
  private removeNewFactors(tx: EntityManager, { id, toEmail, addedSince }: Undone): Promise<void> {
    return this.factors.removeAddedSince(tx, { id, email: toEmail }, addedSince);
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
