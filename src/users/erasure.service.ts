import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';

/** Each takes its sessions, links and shares along. */
const USERS_A_BITE = 100;

/** The end of the accounts whose owners wished it and did not call them back. */
@Injectable()
export class ErasureService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: SecurityLog,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.sweep());
  }

  private async sweep(): Promise<void> {
    await this.claim();
    await this.eraseResources();
    await this.dataSource.transaction((tx) => this.eraseUsers(tx));
  }

  /**
   * From here on nothing calls them back. It changes the row, so that whoever calls at the same moment
   * finds it changed: the account is kept whole, or goes whole.
   */
  private claim(): Promise<unknown> {
    return this.dataSource.sql`
      UPDATE users SET is_erased = true WHERE id IN (
        SELECT id FROM users WHERE delete_at <= now() AND NOT is_erased
        LIMIT ${USERS_A_BITE} FOR UPDATE SKIP LOCKED)`;
  }

  /** Before the account: one statement that takes all that somebody owns along could take too long. */
  private eraseResources(): Promise<unknown> {
    return this.dataSource.sql`
      DELETE FROM resources WHERE id IN (
        SELECT resources.id FROM users JOIN resources ON owner_id = users.id
        WHERE is_erased AND delete_at IS NOT NULL
        LIMIT ${SWEEP_ROWS} FOR UPDATE OF resources SKIP LOCKED)`;
  }

  private async eraseUsers(tx: EntityManager): Promise<void> {
    const [gone] = await tx.sql<[{ id: string; emailIndex: Buffer }[], number]>`
      DELETE FROM users WHERE id IN (
        SELECT id FROM users
        WHERE is_erased AND delete_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM resources WHERE owner_id = users.id)
        LIMIT ${USERS_A_BITE} FOR UPDATE SKIP LOCKED)
      RETURNING id, email_index AS "emailIndex"`;
    await this.forget(
      tx,
      gone.map(({ emailIndex }) => emailIndex),
    );
    for (const { id } of gone) await this.log.record(tx, 'user_deleted', { userId: id });
  }

  /**
   * What waits for an address is sealed with the app's own key, which does not go with the account. Skips
   * what is locked: whoever holds it may wait for the address that is given back here.
   */
  private async forget(tx: EntityManager, emailIndexes: Buffer[]): Promise<void> {
    await tx.sql`
      DELETE FROM invitations WHERE email_index IN (
        SELECT email_index FROM invitations WHERE email_index = ANY(${emailIndexes})
        FOR UPDATE SKIP LOCKED)`;
    await tx.sql`
      UPDATE sign_ups SET token_hash = NULL, email = NULL, display_name = NULL WHERE id IN (
        SELECT id FROM sign_ups WHERE email_index = ANY(${emailIndexes}) FOR UPDATE SKIP LOCKED)`;
  }
}
