import { Global, Module } from '@nestjs/common';
import { Sealer } from './sealer.service.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({ providers: [SecurityLog, Sealer], exports: [SecurityLog] })
export class AuditModule {}
