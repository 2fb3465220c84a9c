import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { DataSource } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Config } from '../config/config.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';
import { sourceOf } from '../http/rate-limit.js';

interface Budget {
  /** Attempts in a row. */
  burst: number;
  /** Seconds until one of them is given back. */
  secondsEach: number;
}

/** One source on one account: ten tries, then one a minute. */
export const PAIR: Budget = { burst: 10, secondsEach: 60 };
/** All sources that this account does not know, together: twenty tries, then two a minute. */
export const STRANGERS: Budget = { burst: 20, secondsEach: 30 };
/** How long a source counts as the owner's own after a sign-in. */
export const KNOWN_SOURCE_DAYS = 90;

/** An account, known or not, and where the attempt comes from. */
export interface Attempt {
  account: string;
  ip: string;
}

/**
 * Counts attempts to prove a password, in PostgreSQL: the count holds across instances and restarts
 * (ASVS 6.3.1). Strangers share one budget and can use it up; the owner's own network has another,
 * so that nobody can lock the owner out (ASVS 6.1.1).
 */
@Injectable()
export class LoginThrottle {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
    private readonly log: SecurityLog,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetWhole());
  }

  /** Counts before the password is looked at, so that parallel attempts count too. */
  async admit(attempt: Attempt): Promise<void> {
    await this.take('pair', attempt, PAIR);
    if (!(await this.isKnown(attempt))) await this.take('strangers', attempt, STRANGERS);
  }

  /** The owner was here: the source becomes known and its failures are forgotten. */
  async succeeded(attempt: Attempt): Promise<void> {
    await this.dataSource.sql`DELETE FROM throttles WHERE key = ${this.key('pair', attempt)}`;
    await this.dataSource.sql`
      INSERT INTO throttles (key, whole_at)
      VALUES (${this.key('known', attempt)}, now() + ${KNOWN_SOURCE_DAYS} * interval '1 day')
      ON CONFLICT (key) DO UPDATE SET whole_at = excluded.whole_at`;
  }

  /** A budget that is whole again is as good as none. */
  private forgetWhole(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM throttles WHERE key IN (
      SELECT key FROM throttles WHERE whole_at < now() LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }

  private async isKnown(attempt: Attempt): Promise<boolean> {
    const rows = await this.dataSource.sql<unknown[]>`
      SELECT FROM throttles WHERE key = ${this.key('known', attempt)} AND whole_at > now()`;
    return rows.length > 0;
  }

  /** The generic cell rate algorithm as one atomic statement: two instances cannot both take the last. */
  private async take(
    kind: 'pair' | 'strangers',
    attempt: Attempt,
    { burst, secondsEach }: Budget,
  ): Promise<void> {
    const key = this.key(kind, attempt);
    const taken = await this.dataSource.sql<unknown[]>`
      INSERT INTO throttles AS t (key, whole_at)
      VALUES (${key}, now() + ${secondsEach} * interval '1 second')
      ON CONFLICT (key) DO UPDATE
        SET whole_at = greatest(t.whole_at, now()) + ${secondsEach} * interval '1 second'
        WHERE t.whole_at < now() + ${(burst - 1) * secondsEach} * interval '1 second'
      RETURNING true`;
    if (taken.length > 0) return;
    this.log.record('authn_login_fail_max', { budget: kind, ip: attempt.ip });
    throw new Problem('rate_limited', {
      retryAfterSeconds: await this.wait(key, burst, secondsEach),
    });
  }

  private async wait(key: Buffer, burst: number, secondsEach: number): Promise<number> {
    const rows = await this.dataSource.sql<{ seconds: number }[]>`
      SELECT extract(epoch FROM whole_at - now())::float8 AS seconds
      FROM throttles WHERE key = ${key}`;
    return Math.max(1, (rows[0]?.seconds ?? 0) - (burst - 1) * secondsEach);
  }

  /** Keyed hashes: the table tells nobody who tried to sign in, nor from where. */
  private key(kind: 'pair' | 'strangers' | 'known', { account, ip }: Attempt): Buffer {
    const parts = kind === 'strangers' ? [kind, account] : [kind, account, sourceOf(ip)];
    return createHmac('sha256', this.config.throttleKey).update(JSON.stringify(parts)).digest();
  }
}
