import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, FRESH, FreshAuth, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import {
  ConfirmFactorRequest,
  EnrolmentResponse,
  EnrolTotpRequest,
  FactorParams,
  FactorsResponse,
  RecoveryCodesResponse,
} from './factors.dto.js';
import { FactorsService } from './factors.service.js';

@ApiTags('second factors')
@Controller('users/me')
export class FactorsController {
  constructor(private readonly factors: FactorsService) {}

  @Get('factors')
  @ApiOperation({ summary: 'List your second factors' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, FactorsResponse)
  list(@CurrentActor() actor: Actor) {
    return this.factors.list(actor);
  }

  @Post('factors/totp')
  @ApiOperation({ summary: 'Begin to add an authenticator app; it counts once it is confirmed' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(201, EnrolmentResponse, { problems: ['too_many_factors'] })
  enrolTotp(@CurrentActor() actor: Actor, @Body() { name }: EnrolTotpRequest) {
    return this.factors.enrolTotp(actor, name);
  }

  @Post('factors/:factorId/confirm')
  @ApiOperation({ summary: 'Confirm a second factor by a code; ends your other sessions' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('credentials')
  @Returns(200, RecoveryCodesResponse, { problems: ['not_found', 'wrong_code'] })
  confirm(
    @CurrentActor() actor: Actor,
    @Param() { factorId }: FactorParams,
    @Body() { code }: ConfirmFactorRequest,
  ) {
    return this.factors.confirm(actor, factorId, code);
  }

  @Delete('factors/:factorId')
  @ApiOperation({ summary: 'Remove a second factor; ends your other sessions' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('write')
  @ReturnsNothing(204, { problems: ['not_found', 'password_needs_second_factor'] })
  remove(@CurrentActor() actor: Actor, @Param() { factorId }: FactorParams) {
    return this.factors.remove(actor, factorId);
  }

  @Post('recovery-codes')
  @ApiOperation({ summary: 'Make new recovery codes; the old ones are void' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(200, RecoveryCodesResponse, { problems: ['no_second_factor'] })
  replaceRecoveryCodes(@CurrentActor() actor: Actor) {
    return this.factors.replaceRecoveryCodes(actor);
  }
}
