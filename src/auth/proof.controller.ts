import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Public, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { Device } from '../http/header.decorators.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import {
  AccessTokenResponse,
  ReauthenticateRequest,
  SecondFactorRequest,
  TokensResponse,
} from './auth.dto.js';
import { BrowserCookie, RefreshCookie } from './refresh-cookie.js';
import { SecondFactorService } from './second-factor.service.js';
import { StepUpService } from './step-up.service.js';

@ApiTags('auth')
@Controller('auth')
export class ProofController {
  constructor(
    private readonly secondFactor: SecondFactorService,
    private readonly stepUp: StepUpService,
  ) {}

  @Post('second-factor')
  @ApiOperation({ summary: 'Sign in, second half: answer the challenge of a right password' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, {
    problems: ['invalid_challenge', 'wrong_code', 'too_many_failures', 'cross_site_request'],
  })
  signIn(
    @Body() request: SecondFactorRequest,
    @Ip() ip: string,
    @Device() device: string,
    @BrowserCookie() cookie: RefreshCookie,
  ) {
    return this.secondFactor.signIn(request, { ip, device }, cookie);
  }

  @Post('reauthenticate')
  @ApiOperation({ summary: 'Prove who you are anew, for an access token that is fresh' })
  @Roles('user', 'admin')
  @RateLimit('credentials')
  @Returns(200, AccessTokenResponse, {
    problems: [
      'wrong_password',
      'second_factor_required',
      'wrong_code',
      'too_many_failures',
      'overloaded',
    ],
  })
  reauthenticate(
    @CurrentActor() actor: Actor,
    @Body() request: ReauthenticateRequest,
    @Ip() ip: string,
  ) {
    return this.stepUp.reauthenticate(actor, request, ip);
  }
}
