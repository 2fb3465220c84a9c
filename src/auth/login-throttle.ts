import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { BudgetsService, type Budget } from '../database/budgets.service.js';
import { Problem } from '../http/problem.js';
import { sourceOf } from '../http/rate-limit.js';
import { LoginFailuresService, type Pace } from './login-failures.service.js';

/** One source on one account. */
export const PAIR: Pace = { free: 10, firstWait: 60, longestWait: 900 };
/** All sources that this account does not know, together. */
export const STRANGERS: Pace = { free: 20, firstWait: 30, longestWait: 3_600 };
/** The same while strangers try more on all accounts together than `OVERALL` allows. */
export const UNDER_ATTACK: Pace = { ...STRANGERS, free: 3 };
/** Attempts of strangers on all accounts together. Beyond it nobody is refused, but all are slowed. */
export const OVERALL: Budget = { burst: 1_000, secondsEach: 0.2 };
/** Six digits tried by whoever knows the password, on all challenges of the account together. */
export const CODES: Pace = { free: 10, firstWait: 60, longestWait: 3_600 };
/** How long a source counts as the owner's own after a sign-in. */
export const KNOWN_SOURCE_DAYS = 90;

type Known = 'known' | 'known by code';
type Counted = 'pair' | 'strangers' | 'codes' | 'own codes';
/** These count for the account, wherever the attempt comes from. */
const FROM_ANYWHERE: ReadonlySet<Known | Counted> = new Set(['strangers', 'codes']);

/** An account, known or not, and where the attempt comes from. */
export interface Attempt {
  account: string;
  ip: string;
}

/**
 * Slows down whoever guesses passwords. Strangers share one row of failures and can use it up; the
 * owner's own network has another, so that nobody can lock the owner out (ASVS 6.1.1).
 */
@Injectable()
export class LoginThrottle {
  constructor(
    private readonly dataSource: DataSource,
    private readonly failures: LoginFailuresService,
    private readonly budgets: BudgetsService,
    private readonly log: SecurityLog,
  ) {}

  /** Counts before the password is looked at. Throws `rate_limited`, `too_many_failures`. */
  async admit(attempt: Attempt): Promise<void> {
    await this.count('pair', attempt, PAIR);
    if (!(await this.isKnown(attempt))) await this.count('strangers', attempt, await this.pace());
  }

  /**
   * Counts for the account and not for the challenge: a new challenge gives no new tries. Only who
   * knows the password comes here, and a network from which a code was right has a row of its own.
   */
  async admitCode(attempt: Attempt): Promise<void> {
    const isKnown = await this.isKnown(attempt, 'known by code');
    await this.count(isKnown ? 'own codes' : 'codes', attempt, CODES);
  }

  /** The owner was here: the failures are forgotten. */
  async succeeded(attempt: Attempt): Promise<void> {
    await this.failures.forget([this.key('pair', attempt), this.key('strangers', attempt)]);
  }

  /** Apart from `succeeded`: a right password must not forgive wrong codes. */
  async codeSucceeded(attempt: Attempt): Promise<void> {
    await this.failures.forget([this.key('codes', attempt), this.key('own codes', attempt)]);
  }

  /**
   * From now on the account knows this source. Answers whether it is new: of any number of sign-ins at
   * once, one is told so. Only the network counts: what a client says of its device, a thief can say,
   * too. Call it where the owner hears of it by mail, and nowhere else.
   */
  async remember(tx: EntityManager, attempt: Attempt, as: Known = 'known'): Promise<boolean> {
    const key = this.key(as, attempt);
    const added = await tx.sql<unknown[]>`
      WITH known AS (
        UPDATE throttles SET whole_at = now() + ${KNOWN_SOURCE_DAYS} * interval '1 day'
        WHERE key = ${key} AND whole_at > now() RETURNING true
      )
      INSERT INTO throttles AS t (key, whole_at)
      SELECT ${key}, now() + ${KNOWN_SOURCE_DAYS} * interval '1 day'
      WHERE NOT EXISTS (SELECT FROM known)
      ON CONFLICT (key) DO UPDATE SET whole_at = excluded.whole_at WHERE t.whole_at <= now()
      RETURNING true`;
    return added.length > 0;
  }

  private async isKnown(attempt: Attempt, as: Known = 'known'): Promise<boolean> {
    const rows = await this.dataSource.sql<unknown[]>`
      SELECT FROM throttles WHERE key = ${this.key(as, attempt)} AND whole_at > now()`;
    return rows.length > 0;
  }

  /** Few passwords on each of many accounts: no account notices, all of them together do. */
  private async pace(): Promise<Pace> {
    const calm = await this.budgets.take(this.dataSource, this.budgets.key('overall'), OVERALL);
    return calm ? STRANGERS : UNDER_ATTACK;
  }

  private async count(kind: Counted, attempt: Attempt, pace: Pace): Promise<void> {
    const verdict = await this.failures.count(this.key(kind, attempt), pace);
    if (verdict === 'admitted') return;
    this.log.tell('authn_login_fail_max', { budget: kind, ip: attempt.ip });
    if (verdict === 'no more') throw new Problem('too_many_failures');
    throw new Problem('rate_limited', { retryAfterSeconds: verdict.waitSeconds });
  }

  private key(kind: Known | Counted, { account, ip }: Attempt): Buffer {
    return FROM_ANYWHERE.has(kind)
      ? this.budgets.key(kind, account)
      : this.budgets.key(kind, account, sourceOf(ip));
  }
}
