import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';

/** How failures in a row slow down the next attempt. */
export interface Pace {
  /** So many are answered at once. */
  free: number;
  /** The wait after them, in seconds; it doubles with each further one, up to the longest. */
  firstWait: number;
  longestWait: number;
}

/** NIST SP 800-63B-4 §3.2.2: after so many in a row, waiting helps no more. */
export const MOST_FAILURES = 100;
/** When nobody has tried for so long, the failures in a row have ended. */
export const REMEMBERED_DAYS = 90;

/** What to do about an attempt: look at it, or when to come back, or never. */
export type Verdict = 'admitted' | { waitSeconds: number } | 'no more';

/** Counts failures in a row, in PostgreSQL: for all instances together, across restarts (ASVS 6.3.1). */
@Injectable()
export class LoginFailuresService {
  constructor(
    private readonly dataSource: DataSource,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetOld());
  }

  /**
   * Counts the attempt as a failure, before it is looked at, in one statement: parallel ones count. Asks
   * the clock of this moment: one that waited for another would else seem to come before it.
   */
  async count(key: Buffer, { free, firstWait, longestWait }: Pace): Promise<Verdict> {
    const counted = await this.dataSource.sql<unknown[]>`
      INSERT INTO login_failures AS f (key, forget_at)
      VALUES (${key}, now() + ${REMEMBERED_DAYS} * interval '1 day')
      ON CONFLICT (key) DO UPDATE SET
        failures = f.failures + 1,
        next_at = now() + interval '1 second' * CASE WHEN f.failures + 1 < ${free} THEN 0
          ELSE least(${longestWait}, ${firstWait} * 2.0 ^ (f.failures + 1 - ${free})) END,
        forget_at = excluded.forget_at
      WHERE f.next_at <= clock_timestamp() AND f.failures < ${MOST_FAILURES}
      RETURNING true`;
    return counted.length > 0 ? 'admitted' : this.refusal(key);
  }

  /** The password was right: the row of failures has ended. */
  async forget(keys: Buffer[]): Promise<void> {
    await this.dataSource.sql`DELETE FROM login_failures WHERE key = ANY(${keys})`;
  }

  private async refusal(key: Buffer): Promise<Verdict> {
    const [row] = await this.dataSource.sql<{ failures: number; seconds: number }[]>`
      SELECT failures, extract(epoch FROM next_at - now())::float8 AS seconds
      FROM login_failures WHERE key = ${key}`;
    if (row && row.failures >= MOST_FAILURES) return 'no more';
    return { waitSeconds: Math.max(1, row?.seconds ?? 1) };
  }

  private forgetOld(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM login_failures WHERE key IN (
      SELECT key FROM login_failures WHERE forget_at < now()
      LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }
}
