import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Public, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { Device } from '../http/header.decorators.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import { LoginRequest, RefreshRequest, TokensResponse } from './auth.dto.js';
import { AuthService } from './auth.service.js';
import { BrowserCookie, RefreshCookie } from './refresh-cookie.js';
import { RefreshService } from './refresh.service.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly refreshes: RefreshService,
  ) {}

  @Post('login')
  @ApiOperation({
    summary: 'Sign in: opens a session',
    description:
      'With `refreshTokenIn: cookie`, for pages of this origin only, the refresh token leaves in the ' +
      'cookie `__Host-refresh_token` and not in the body.',
  })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, {
    problems: [
      'invalid_credentials',
      'address_not_verified',
      'second_factor_required',
      'account_leaving',
      'too_many_failures',
      'cross_site_request',
      'overloaded',
    ],
  })
  login(
    @Body() request: LoginRequest,
    @Ip() ip: string,
    @Device() device: string,
    @BrowserCookie() cookie: RefreshCookie,
  ) {
    return this.auth.login(request, { ip, device }, cookie);
  }

  @Post('refresh')
  @ApiOperation({
    summary: 'Spend a refresh token for new tokens',
    description:
      'Without one in the body, it is taken from the cookie `__Host-refresh_token`, and the new one goes ' +
      'back there. The browser must say that the page is of this origin (`Sec-Fetch-Site`, or `Origin`).',
  })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, {
    problems: ['invalid_refresh_token', 'token_reused', 'ambiguous_token', 'cross_site_request'],
  })
  refresh(@Body() request: RefreshRequest, @BrowserCookie() cookie: RefreshCookie) {
    return this.refreshes.refresh(request, cookie);
  }

  @Post('logout')
  @ApiOperation({ summary: 'End this session, at once' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204)
  logout(@CurrentActor() actor: Actor, @BrowserCookie() cookie: RefreshCookie) {
    return this.refreshes.logout(actor, cookie);
  }

  @Post('logout-everywhere')
  @ApiOperation({ summary: 'End all your sessions, at once' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204)
  logoutEverywhere(@CurrentActor() actor: Actor, @BrowserCookie() cookie: RefreshCookie) {
    return this.refreshes.logoutEverywhere(actor, cookie);
  }
}
