import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { JobQueue } from '../database/job-queue.js';
import { Mailer } from '../mail/mailer.js';
import { MailLinksService } from './mail-links.service.js';

/** Tried again for some minutes; a link that comes later than that is no help. */
const JOB = { retryLimit: 5, retryDelay: 10, retryBackoff: true, expireInSeconds: 60 };

interface Request {
  email: string;
}

/** Somebody says that he forgot the password of an address. */
@Injectable()
export class RecoveryRequestsService implements OnApplicationBootstrap {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queue: JobQueue,
    private readonly mailer: Mailer,
    private readonly links: MailLinksService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.work<Request>('recovery', ({ data }) => this.sendLink(data));
  }

  /**
   * The same answer and the same work for every address: whether somebody has it is asked later, by
   * the worker (ASVS 6.3.8).
   */
  async add(email: string): Promise<void> {
    const request: Request = { email };
    await this.dataSource.transaction((tx) => this.queue.add(tx, 'recovery', request, JOB));
  }

  private async sendLink({ email }: Request): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const link = await this.links.create(tx, 'reset_password', email);
      if (!link) return;
      await this.mailer.send(tx, { to: email, template: 'resetPassword', values: { link } });
    });
  }
}
