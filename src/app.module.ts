import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AccessModule } from './access/access.module.js';
import { AdminFactorGuard } from './access/admin-factor.guard.js';
import { FreshAuthGuard } from './access/fresh-auth.guard.js';
import { RolesGuard } from './access/roles.guard.js';
import { UserRateLimitGuard } from './access/user-rate-limit.guard.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { JwtAuthGuard } from './auth/jwt-auth.guard.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { CryptoModule } from './crypto/crypto.module.js';
import { DatabaseModule } from './database/database.module.js';
import { ExportsModule } from './exports/exports.module.js';
import { HealthModule } from './health/health.module.js';
import { DeclaredInputGuard } from './http/declared-input.guard.js';
import { HttpModule } from './http/http.module.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ValidationPipe } from './http/validation.pipe.js';
import { MailModule } from './mail/mail.module.js';
import { ResourcesModule } from './resources/resources.module.js';
import { UsersModule } from './users/users.module.js';

/** The table of contents. What a request meets stands here in the order in which it is met. */
@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule,
        CryptoModule,
        HttpModule,
        AccessModule,
        AuditModule,
        MailModule,
        UsersModule,
        AuthModule,
        ResourcesModule,
        ExportsModule,
        HealthModule,
      ],
      providers: [
        // Before these: the hooks of http/request.hooks.ts, with the budget of the source address.
        { provide: APP_GUARD, useClass: JwtAuthGuard },
        { provide: APP_GUARD, useClass: RolesGuard },
        { provide: APP_GUARD, useClass: AdminFactorGuard },
        { provide: APP_GUARD, useClass: FreshAuthGuard },
        { provide: APP_GUARD, useClass: UserRateLimitGuard },
        { provide: APP_GUARD, useClass: DeclaredInputGuard },
        { provide: APP_PIPE, useClass: ValidationPipe },
        // After the handler: the serializer, which is a hook too, so that nothing goes around it.
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
