import { Module } from '@nestjs/common';
import { MailTransport } from './mail-transport.js';
import { MailWorker } from './mail-worker.js';
import { Mailer } from './mailer.js';
import { RecipientLimit } from './recipient-limit.js';

@Module({
  providers: [Mailer, MailWorker, MailTransport, RecipientLimit],
  exports: [Mailer, RecipientLimit],
})
export class MailModule {}
