import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { NodemailerError } from 'nodemailer';
import type { JobWithMetadata } from 'pg-boss';
import { Config } from '../config/config.js';
import { JobQueue } from '../database/job-queue.js';
import { MailTransport } from './mail-transport.js';
import { renderMail } from './render-mail.js';
import type { Mail } from './templates.js';

type MailJob = JobWithMetadata<Mail>;

/** Sends what is queued. The queue stops it when the app stops. */
@Injectable()
export class MailWorker implements OnApplicationBootstrap {
  private readonly logger = new Logger(MailWorker.name);

  constructor(
    private readonly queue: JobQueue,
    private readonly transport: MailTransport,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.queue.work<Mail>('mail', (job) => this.deliver(job));
  }

  private async deliver(job: MailJob): Promise<void> {
    try {
      await this.transport.deliver(this.messageOf(job));
    } catch (error) {
      this.judge(error as NodemailerError, job);
    }
  }

  /** Throws for another try. Words of the mail server stay out: they may repeat the mail. */
  private judge({ code, responseCode, permanent, command }: NodemailerError, job: MailJob): void {
    const what = `mail ${job.id} (${job.data.template}): ${code ?? 'failed'} ${responseCode ?? ''}`;
    // A wrong password of ours is permanent too, and no fault of this mail.
    const isRefused = permanent && (command === 'RCPT TO' || command === 'DATA');
    if (isRefused || job.retryCount >= job.retryLimit) {
      this.logger.error(`given up: ${what}`);
      return;
    }
    this.logger.warn(`not sent yet: ${what}`);
    throw new Error(code ?? 'failed');
  }

  /** The same at every try: a mail server that has it already can tell by its id. */
  private messageOf(job: MailJob) {
    const { mailFrom } = this.config;
    return {
      ...renderMail(job.data),
      from: mailFrom,
      to: { name: '', address: job.data.to },
      date: job.createdOn,
      messageId: `<${job.id}@${mailFrom.split('@')[1]}>`,
      // No holiday note comes back (RFC 3834 §5).
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal: job.signal,
    };
  }
}
