import { Body, Controller, Ip, Post } from '@nestjs/common';
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
import { ChangeEmailRequest, ConfirmEmailChangeRequest, TakeBackRequest } from './auth.dto.js';
import { EmailChangesService } from './email-changes.service.js';
import { EmailUndoService } from './email-undo.service.js';

@ApiTags('users')
@Controller()
export class EmailChangesController {
  constructor(
    private readonly changes: EmailChangesService,
    private readonly undoing: EmailUndoService,
  ) {}

  @Post('users/me/email')
  @ApiOperation({
    summary: 'Ask for another address; its mailbox gets the link that makes the change',
  })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('credentials')
  @ReturnsNothing(202, {
    about: 'Accepted: the new address gets a mail.',
    problems: ['wrong_password', 'too_many_failures', 'overloaded'],
  })
  request(@CurrentActor() actor: Actor, @Body() request: ChangeEmailRequest, @Ip() ip: string) {
    return this.changes.request(actor, request, ip);
  }

  @Post('auth/confirm-email-change')
  @ApiOperation({ summary: 'Change the address with the link of the mail; ends all sessions' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, { problems: ['invalid_link'] })
  confirm(@Body() { token }: ConfirmEmailChangeRequest) {
    return this.changes.confirm(token);
  }

  @Post('auth/undo-email-change')
  @ApiOperation({
    summary: 'Take a change of address back, with a new password; ends all sessions',
  })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, { problems: ['invalid_link', 'weak_password', 'overloaded'] })
  undo(@Body() request: TakeBackRequest, @Ip() ip: string) {
    return this.undoing.undo(request, ip);
  }
}
