import { Body, Controller, Ip, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, FRESH, FreshAuth, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { ReturnsNothing } from '../http/returns.decorator.js';
import { AccountService } from './account.service.js';
import { ChangePasswordRequest } from './auth.dto.js';

@ApiTags('users')
@Controller('users/me')
export class AccountController {
  constructor(private readonly account: AccountService) {}

  @Put('password')
  @ApiOperation({ summary: 'Change your password; ends all your other sessions' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('credentials')
  @ReturnsNothing(204, {
    problems: ['wrong_password', 'too_many_failures', 'weak_password', 'overloaded'],
  })
  changePassword(
    @CurrentActor() actor: Actor,
    @Body() request: ChangePasswordRequest,
    @Ip() ip: string,
  ) {
    return this.account.changePassword(actor, request, ip);
  }
}
