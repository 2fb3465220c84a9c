import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Public, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { Device } from '../http/header.decorators.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import { AccessTokenResponse, TokensResponse } from './auth.dto.js';
import { PasskeyFactorService } from './passkey-factor.service.js';
import { PasskeySignInService } from './passkey-sign-in.service.js';
import { PasskeyStepUpService } from './passkey-step-up.service.js';
import {
  PasskeyAnswer,
  PasskeyFactorRequest,
  PasskeyOptionsResponse,
  PasskeySignInRequest,
} from './passkeys.dto.js';
import { PasskeysService } from './passkeys.service.js';
import { BrowserCookie, RefreshCookie } from './refresh-cookie.js';

@ApiTags('auth')
@Controller('auth')
export class PasskeyProofsController {
  constructor(
    private readonly passkeys: PasskeysService,
    private readonly signIns: PasskeySignInService,
    private readonly factor: PasskeyFactorService,
    private readonly stepUp: PasskeyStepUpService,
  ) {}

  @Post('passkey/options')
  @ApiOperation({ summary: 'What a browser needs to sign in with a passkey' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, PasskeyOptionsResponse)
  options() {
    return this.passkeys.options({ purpose: 'sign_in' });
  }

  @Post('passkey')
  @ApiOperation({ summary: 'Sign in with a passkey, without password or code' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, { problems: ['invalid_passkey', 'cross_site_request'] })
  signIn(
    @Body() request: PasskeySignInRequest,
    @Ip() ip: string,
    @Device() device: string,
    @BrowserCookie() cookie: RefreshCookie,
  ) {
    return this.signIns.signIn(request, { ip, device }, cookie);
  }

  @Post('second-factor/passkey')
  @ApiOperation({ summary: 'Sign in, second half: answer the challenge with a passkey' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @Returns(200, TokensResponse, {
    problems: ['invalid_challenge', 'invalid_passkey', 'cross_site_request'],
  })
  signInSecond(
    @Body() request: PasskeyFactorRequest,
    @Ip() ip: string,
    @Device() device: string,
    @BrowserCookie() cookie: RefreshCookie,
  ) {
    return this.factor.signIn(request, { ip, device }, cookie);
  }

  @Post('reauthenticate/passkey/options')
  @ApiOperation({ summary: 'What a browser needs to prove anew who you are' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, PasskeyOptionsResponse)
  reauthenticationOptions(@CurrentActor() actor: Actor) {
    return this.passkeys.options({ purpose: 'reauthenticate', actor });
  }

  @Post('reauthenticate/passkey')
  @ApiOperation({ summary: 'Prove who you are anew with a passkey, for a fresh access token' })
  @Roles('user', 'admin')
  @RateLimit('credentials')
  @Returns(200, AccessTokenResponse, { problems: ['invalid_passkey'] })
  reauthenticate(@CurrentActor() actor: Actor, @Body() answer: PasskeyAnswer) {
    return this.stepUp.reauthenticate(actor, answer);
  }
}
