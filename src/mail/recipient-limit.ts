import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { Config } from '../config/config.js';
import type { Mail } from './templates.js';

/** Five mails in a row, then one an hour: never more than 5 an hour. */
export const HOURLY = { burst: 5, secondsEach: 3_600 };
/** Twelve, then one in three hours: never more than 20 a day. */
export const DAILY = { burst: 12, secondsEach: 3 * 3_600 };

type Recipient = Pick<Mail, 'to' | 'template'>;

/**
 * Whoever knows an address can ask for mails to it. So each text has budgets for each address, in
 * PostgreSQL: they hold across instances, sources and accounts (ASVS 2.4.1).
 */
@Injectable()
export class RecipientLimit {
  constructor(private readonly config: Config) {}

  /** Counts the mail if it may be sent. A transaction that is rolled back has not counted. */
  async admits(tx: EntityManager, recipient: Recipient): Promise<boolean> {
    return (
      (await take(tx, this.key('mail-hourly', recipient), HOURLY)) &&
      (await take(tx, this.key('mail-daily', recipient), DAILY))
    );
  }

  /** Keyed hashes: the table tells nobody who gets mails. */
  private key(kind: string, { to, template }: Recipient): Buffer {
    const parts = [kind, template, to.toLowerCase()];
    return createHmac('sha256', this.config.throttleKey).update(JSON.stringify(parts)).digest();
  }
}

/** The generic cell rate algorithm as one atomic statement. Whole budgets are swept by auth/. */
async function take(tx: EntityManager, key: Buffer, { burst, secondsEach }: typeof HOURLY) {
  const taken = await tx.sql<unknown[]>`
    INSERT INTO throttles AS t (key, whole_at)
    VALUES (${key}, now() + ${secondsEach} * interval '1 second')
    ON CONFLICT (key) DO UPDATE
      SET whole_at = greatest(t.whole_at, now()) + ${secondsEach} * interval '1 second'
      WHERE t.whole_at < now() + ${(burst - 1) * secondsEach} * interval '1 second'
    RETURNING true`;
  return taken.length > 0;
}
