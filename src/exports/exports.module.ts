import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { MailModule } from '../mail/mail.module.js';
import { ExportDownloadsService } from './export-downloads.service.js';
import { ExportWriter } from './export-writer.js';
import { ExportsController } from './exports.controller.js';
import { ExportsService } from './exports.service.js';

@Module({
  imports: [AuthModule, MailModule],
  controllers: [ExportsController],
  providers: [ExportsService, ExportWriter, ExportDownloadsService],
})
export class ExportsModule {}
