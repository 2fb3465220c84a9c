import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, FRESH, FreshAuth, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import {
  AddPasskeyRequest,
  PasskeyAddedResponse,
  PasskeyRegistrationOptionsResponse,
} from './passkeys.dto.js';
import { PasskeyRegistrationsService } from './passkey-registrations.service.js';

/** Listed and removed like every other factor. */
@ApiTags('second factors')
@Controller('users/me/factors/passkeys')
export class PasskeysController {
  constructor(private readonly registrations: PasskeyRegistrationsService) {}

  @Post('options')
  @ApiOperation({ summary: 'What a browser needs to make a passkey' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(200, PasskeyRegistrationOptionsResponse)
  options(@CurrentActor() actor: Actor) {
    return this.registrations.options(actor);
  }

  @Post()
  @ApiOperation({ summary: 'Add the passkey that the browser made; ends your other sessions' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(201, PasskeyAddedResponse, { problems: ['invalid_passkey', 'too_many_factors'] })
  add(@CurrentActor() actor: Actor, @Body() request: AddPasskeyRequest) {
    return this.registrations.add(actor, request);
  }
}
