import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, Public } from '../access/access.decorators.js';
import { RateLimit } from '../http/rate-limit.js';
import { ReturnsNothing } from '../http/returns.decorator.js';
import { ForgotPasswordRequest, ResetPasswordRequest } from './auth.dto.js';
import { RecoveryRequestsService } from './recovery-requests.service.js';
import { RecoveryService } from './recovery.service.js';

@ApiTags('auth')
@Controller('auth')
export class RecoveryController {
  constructor(
    private readonly requests: RecoveryRequestsService,
    private readonly recovery: RecoveryService,
  ) {}

  @Post('forgot-password')
  @ApiOperation({ summary: 'Ask for a link to set a new password; the same answer for everybody' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(202, { about: 'Accepted: if there is such an account, it gets a mail.' })
  forgot(@Body() { email }: ForgotPasswordRequest) {
    return this.requests.add(email);
  }

  @Post('reset-password')
  @ApiOperation({ summary: 'Set a new password with the link of a mail; ends all sessions' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, { problems: ['invalid_link', 'weak_password', 'overloaded'] })
  reset(@Body() request: ResetPasswordRequest, @Ip() ip: string) {
    return this.recovery.reset(request, ip);
  }
}
