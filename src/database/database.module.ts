import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { BudgetsService } from './budgets.service.js';
import { dataSourceOptions } from './data-source-options.js';
import { Housekeeping } from './housekeeping.js';
import { JobQueue } from './job-queue.js';
import { Migration, Throttle } from './database.entities.js';
import { assertLeastPrivilege } from './least-privilege.js';
import { assertRowSecurity } from './row-security.js';
import { SealedJobs } from './sealed-jobs.js';

@Global()
@Module({
  providers: [Housekeeping, BudgetsService, SealedJobs, JobQueue],
  exports: [Housekeeping, BudgetsService, JobQueue],
  imports: [
    TypeOrmModule.forFeature([Throttle, Migration]),
    TypeOrmModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => ({
        ...dataSourceOptions(config),
        autoLoadEntities: true,
        retryAttempts: 0,
      }),
    }),
  ],
})
export class DatabaseModule implements OnModuleInit {
  constructor(private readonly dataSource: DataSource) {}

  async onModuleInit(): Promise<void> {
    await assertLeastPrivilege(this.dataSource);
    await assertRowSecurity(this.dataSource);
  }
}
