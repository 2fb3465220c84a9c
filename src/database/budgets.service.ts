import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../config/config.js';
import { Housekeeping, SWEEP_ROWS } from './housekeeping.js';

/** So many in a row, and seconds until one of them is given back. */
export interface Budget {
  burst: number;
  secondsEach: number;
}

/** Budgets in PostgreSQL: they hold across instances and restarts (ASVS 2.4.1). */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetWhole());
  }

  /** A keyed hash: a table of them tells nobody who tried to sign in, from where, or who gets mails. */
  key(...parts: string[]): Buffer {
    return createHmac('sha256', this.config.keys.throttle).update(JSON.stringify(parts)).digest();
  }

  /**
   * Whether the budget has one left, which is then taken: the generic cell rate algorithm as one atomic
   * statement, so that two instances cannot both take the last. By the clock, and not by when the transaction
   * began: of several at once, the last to come may have begun before the first, and would find none left.
   */
  async take(
    db: DataSource | EntityManager,
    key: Buffer,
    { burst, secondsEach }: Budget,
  ): Promise<boolean> {
    const taken = await db.sql<unknown[]>`
      INSERT INTO throttles AS t (key, whole_at)
      VALUES (${key}, clock_timestamp() + ${secondsEach} * interval '1 second')
      ON CONFLICT (key) DO UPDATE
        SET whole_at = greatest(t.whole_at, clock_timestamp()) + ${secondsEach} * interval '1 second'
        WHERE t.whole_at < clock_timestamp() + ${(burst - 1) * secondsEach} * interval '1 second'
      RETURNING true`;
    return taken.length > 0;
  }

  /** A budget that is whole again is as good as none. */
  private forgetWhole(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM throttles WHERE key IN (
      SELECT key FROM throttles WHERE whole_at < now() LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }
}
