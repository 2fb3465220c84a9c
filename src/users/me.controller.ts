import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import { ChangeProfileRequest, ProfileResponse } from './users.dto.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@Controller('users/me')
export class MeController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ summary: 'Read your profile' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ProfileResponse)
  read(@CurrentActor() actor: Actor) {
    return this.users.getOwn(actor);
  }

  @Patch()
  @ApiOperation({ summary: 'Change your profile' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, ProfileResponse)
  change(@CurrentActor() actor: Actor, @Body() changes: ChangeProfileRequest) {
    return this.users.changeOwn(actor, changes);
  }
}
