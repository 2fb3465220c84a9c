import { Global, Module } from '@nestjs/common';
import { AuditEventsController } from './audit-events.controller.js';
import { AuditListsService } from './audit-lists.service.js';
import { Sealer } from './sealer.service.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({
  controllers: [AuditEventsController],
  providers: [SecurityLog, Sealer, AuditListsService],
  exports: [SecurityLog],
})
export class AuditModule {}
