import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './access-tokens.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { JwksController } from './jwks.controller.js';
import { JwtStrategy } from './jwt.strategy.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { SessionsService } from './sessions.service.js';
import { SigningKeys } from './signing-keys.js';

@Module({
  imports: [UsersModule],
  controllers: [AuthController, AccountController, JwksController],
  providers: [
    AuthService,
    AccountService,
    SessionsService,
    AccessTokens,
    SigningKeys,
    JwtStrategy,
    PasswordHasher,
    LoginThrottle,
  ],
  exports: [JwtStrategy],
})
export class AuthModule {}
