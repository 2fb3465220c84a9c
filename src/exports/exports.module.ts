import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { MailModule } from '../mail/mail.module.js';
import { ExportDownloadsService } from './export-downloads.service.js';
import { ResourcesModule } from '../resources/resources.module.js';
import { UsersModule } from '../users/users.module.js';
import { ExportPart } from './export-part.entity.js';
import { ExportPartsService } from './export-parts.service.js';
import { ExportWriter } from './export-writer.js';
import { ExportsController } from './exports.controller.js';
import { ExportsService } from './exports.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([ExportPart]),
    AuthModule,
    UsersModule,
    ResourcesModule,
    MailModule,
  ],
  controllers: [ExportsController],
  providers: [ExportsService, ExportPartsService, ExportWriter, ExportDownloadsService],
})
export class ExportsModule {}
