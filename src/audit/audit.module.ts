import { Global, Module } from '@nestjs/common';
import { DamageEvents } from './damage-events.js';
import { SecurityLog } from './security-log.js';

@Global()
@Module({ providers: [SecurityLog, DamageEvents], exports: [SecurityLog] })
export class AuditModule {}
