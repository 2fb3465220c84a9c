import { Injectable } from '@nestjs/common';
import type { SendOptions } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Config } from '../config/config.js';
import { JobQueue } from '../database/job-queue.js';
import { RecipientLimit } from './recipient-limit.js';
import type { Mail, TemplateName } from './templates.js';

/** Eight tries in about two hours; what failed for good is deleted after another. */
export const MAIL_JOB = {
  retryLimit: 7,
  retryDelay: 60,
  retryBackoff: true,
  retryDelayMax: 3_600,
  // Longer than one delivery can take: a job that is active for so long belongs to a crashed instance.
  expireInSeconds: 60,
  retentionSeconds: 86_400,
  deleteAfterSeconds: 3_600,
} satisfies SendOptions;

/**
 * One address in one header: a line end would begin another header, a comma outside of quotes another
 * address, and for an angle bracket nodemailer puts a space, which is somebody else's. Every address
 * that http/fields.ts lets in is one.
 */
const PART = String.raw`[^ \p{C}\p{Zl}\p{Zp}<>,;:"()[\]\\@]+`;
const QUOTED = String.raw`"[^\p{C}\p{Zl}\p{Zp}<>"\\]*"`;
const ADDRESS = new RegExp(`^(?:${PART}|${QUOTED})@${PART}$`, 'u');

/**
 * The only way back from a deletion, which must not get lost in a budget that is used up. It fills no
 * mailbox: it takes the password, and the next one the link of the last, out of that very mailbox.
 */
const UNLIMITED: ReadonlySet<TemplateName> = new Set(['accountLeaving']);

@Injectable()
export class Mailer {
  constructor(
    private readonly queue: JobQueue,
    private readonly limit: RecipientLimit,
    private readonly log: SecurityLog,
    private readonly config: Config,
  ) {}

  /**
   * Queues the mail in the caller's transaction: it is sent if and only if that commits. Beyond the
   * limit of the recipient it is not sent, and the caller does not learn it: neither must his client.
   */
  async send(tx: EntityManager, mail: Mail): Promise<void> {
    this.check(mail);
    if (UNLIMITED.has(mail.template) || (await this.limit.admits(tx, mail.to, mail.template)))
      return this.queue.add(tx, 'mail', mail, MAIL_JOB);
    this.log.tell('excess_rate_limit_exceeded', { budget: 'mail', template: mail.template });
  }

  private check({ to, values }: Mail): void {
    if (!ADDRESS.test(to)) throw new Error('A mail goes to one bare address');
    const link = 'link' in values ? URL.parse(values.link) : undefined;
    // A link that a request could bend elsewhere would hand its token to the attacker.
    if (link === null || (link && link.origin !== this.config.publicUrl))
      throw new Error('A mail links to PUBLIC_URL and nowhere else');
  }
}
