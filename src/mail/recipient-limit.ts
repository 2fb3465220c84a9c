import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { BudgetsService, type Budget } from '../database/budgets.service.js';
import type { TemplateName } from './templates.js';

/** Five mails in a row, then one an hour: never more than 5 an hour. */
export const HOURLY: Budget = { burst: 5, secondsEach: 3_600 };
/** Twelve, then one in three hours: never more than 20 a day. */
export const DAILY: Budget = { burst: 12, secondsEach: 3 * 3_600 };

/** What an address is asked for: mails of one text, or a sign-up, which leads to one of two. */
type Kind = TemplateName | 'sign-up';

/**
 * Whoever knows an address can ask for mails to it. So each text has budgets for each address, in
 * PostgreSQL: they hold across instances, sources and accounts (ASVS 2.4.1).
 */
@Injectable()
export class RecipientLimit {
  constructor(private readonly budgets: BudgetsService) {}

  /** Counts the mail if it may be sent. A transaction that is rolled back has not counted. */
  async admits(tx: EntityManager, to: string, kind: Kind): Promise<boolean> {
    const recipient = to.toLowerCase();
    return (
      (await this.budgets.take(tx, this.budgets.key('mail-hourly', kind, recipient), HOURLY)) &&
      (await this.budgets.take(tx, this.budgets.key('mail-daily', kind, recipient), DAILY))
    );
  }
}
