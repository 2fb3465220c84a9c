import { Body, Controller, Delete, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  AcrossOwners,
  CurrentActor,
  FRESH,
  FreshAuth,
  Public,
  Roles,
} from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { ReturnsNothing } from '../http/returns.decorator.js';
import { TakeBackRequest, DeleteAccountRequest } from './auth.dto.js';
import { DepartureUndoService } from './departure-undo.service.js';
import { DeparturesService } from './departures.service.js';

@Controller()
export class DeparturesController {
  constructor(
    private readonly departures: DeparturesService,
    private readonly undoing: DepartureUndoService,
  ) {}

  @Delete('users/me')
  @ApiTags('users')
  @ApiOperation({
    summary: 'Ask for the end of your account and all that it owns; ends all sessions',
    description:
      'It is deleted seven days later. Until then nobody signs in to it or sees what it shares, and the ' +
      'link of a mail keeps it, with a new password.',
  })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('credentials')
  @ReturnsNothing(204, {
    problems: ['wrong_password', 'too_many_failures', 'last_administrator', 'overloaded'],
  })
  begin(
    @CurrentActor() actor: Actor,
    @Body() { currentPassword }: DeleteAccountRequest,
    @Ip() ip: string,
  ) {
    return this.departures.begin(actor, currentPassword, ip);
  }

  @Post('auth/cancel-deletion')
  @ApiTags('auth')
  @ApiOperation({
    summary:
      'Keep an account that is about to be deleted, with the link of the mail and a new password',
  })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, { problems: ['invalid_link', 'weak_password', 'overloaded'] })
  cancel(@Body() request: TakeBackRequest, @Ip() ip: string) {
    return this.undoing.cancel(request, ip);
  }
}
