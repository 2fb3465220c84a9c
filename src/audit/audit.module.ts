import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditEventsController } from './audit-events.controller.js';
import { AuditCheckpoint, AuditEventRow, AuditLink } from './audit.entities.js';
import { AuditListsService } from './audit-lists.service.js';
import { DamageEvents } from './damage-events.js';
import { Sealer } from './sealer.service.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditEventRow, AuditLink, AuditCheckpoint])],
  controllers: [AuditEventsController],
  providers: [SecurityLog, DamageEvents, Sealer, AuditListsService],
  exports: [SecurityLog],
})
export class AuditModule {}
