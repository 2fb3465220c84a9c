import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Public, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { ReturnsNothing } from '../http/returns.decorator.js';
import { AcceptInvitationService } from './accept-invitation.service.js';
import { AcceptInvitationRequest, InviteRequest } from './auth.dto.js';
import { InvitationsService } from './invitations.service.js';

@ApiTags('users (administration)')
@Controller()
export class InvitationsController {
  constructor(
    private readonly invitations: InvitationsService,
    private readonly acceptance: AcceptInvitationService,
  ) {}

  @Post('users/invitations')
  @ApiOperation({ summary: 'Invite somebody by mail; who has an account gets none' })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('write')
  @ReturnsNothing(202, { about: 'Accepted: the address gets a mail.' })
  invite(@CurrentActor() actor: Actor, @Body() { email }: InviteRequest) {
    return this.invitations.invite(actor, email);
  }

  @Post('auth/accept-invitation')
  @ApiOperation({
    summary: 'Make the account that one was invited to, with a password of one’s own',
  })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, { problems: ['invalid_link', 'weak_password', 'overloaded'] })
  accept(@Body() request: AcceptInvitationRequest) {
    return this.acceptance.accept(request);
  }
}
