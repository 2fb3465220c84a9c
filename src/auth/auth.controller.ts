import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Public, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import { LoginRequest, RefreshRequest, RegisterRequest, TokensResponse } from './auth.dto.js';
import { AuthService } from './auth.service.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('register')
  @ApiOperation({ summary: 'Sign up; the answer is the same when the address is taken' })
  @Public()
  @RateLimit('credentials')
  @ReturnsNothing(202, { about: 'Accepted: sign in.', problems: ['weak_password', 'overloaded'] })
  register(@Body() request: RegisterRequest) {
    return this.auth.register(request);
  }

  @Post('login')
  @ApiOperation({ summary: 'Sign in: opens a session' })
  @Public()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, {
    problems: ['invalid_credentials', 'too_many_failures', 'overloaded'],
  })
  login(@Body() request: LoginRequest, @Ip() ip: string) {
    return this.auth.login(request, ip);
  }

  @Post('refresh')
  @ApiOperation({ summary: 'Spend a refresh token for new tokens' })
  @Public()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, { problems: ['invalid_refresh_token', 'token_reused'] })
  refresh(@Body() { refreshToken }: RefreshRequest, @Ip() ip: string) {
    return this.auth.refresh(refreshToken, ip);
  }

  @Post('logout')
  @ApiOperation({ summary: 'End this session, at once' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204)
  logout(@CurrentActor() actor: Actor) {
    return this.auth.logout(actor);
  }

  @Post('logout-everywhere')
  @ApiOperation({ summary: 'End all your sessions, at once' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204)
  logoutEverywhere(@CurrentActor() actor: Actor) {
    return this.auth.logoutEverywhere(actor);
  }
}
