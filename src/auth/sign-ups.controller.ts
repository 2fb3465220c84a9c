import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, Public } from '../access/access.decorators.js';
import { RateLimit } from '../http/rate-limit.js';
import { ReturnsNothing } from '../http/returns.decorator.js';
import { RegisterRequest, VerifyAddressRequest } from './auth.dto.js';
import { SignUpRequestsService } from './sign-up-requests.service.js';
import { SignUpsService } from './sign-ups.service.js';

const SENT = 'Accepted: a mail says how it goes on.';

@ApiTags('auth')
@Controller('auth')
export class SignUpsController {
  constructor(
    private readonly requests: SignUpRequestsService,
    private readonly signUps: SignUpsService,
  ) {}

  @Post('register')
  @ApiOperation({ summary: 'Sign up; the answer is the same when the address is taken' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(202, { about: SENT, problems: ['weak_password', 'overloaded'] })
  register(@Body() request: RegisterRequest) {
    return this.requests.add(request);
  }

  @Post('verify-address')
  @ApiOperation({ summary: 'Make the account, with the link of the mail and the password' })
  @Public()
  @AcrossOwners()
  @RateLimit('credentials')
  @ReturnsNothing(204, {
    problems: ['invalid_link', 'wrong_password', 'too_many_failures', 'overloaded'],
  })
  verify(@Body() { token, password }: VerifyAddressRequest, @Ip() ip: string) {
    return this.signUps.verify(token, password, ip);
  }
}
