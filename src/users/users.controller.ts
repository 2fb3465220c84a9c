import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, FreshAuth, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import {
  ChangeRoleRequest,
  ListUsersQuery,
  UserPageResponse,
  UserParams,
  UserResponse,
} from './users.dto.js';
import { UsersService } from './users.service.js';

/** A stolen token of an administrator's would make more administrators, or lock the others out. */
export const FRESH = { withinSeconds: 900 };

@ApiTags('users (administration)')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ summary: 'List users, oldest first' })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('read')
  @Returns(200, UserPageResponse, { problems: ['invalid_cursor'] })
  list(@CurrentActor() actor: Actor, @Query() query: ListUsersQuery) {
    return this.users.list(actor, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a user' })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('read')
  @Returns(200, UserResponse, { problems: ['not_found'] })
  read(@Param() { id }: UserParams) {
    return this.users.getById(id);
  }

  @Put(':id/role')
  @ApiOperation({ summary: "Change a user's role; ends the user's sessions" })
  @Roles('admin')
  @AcrossOwners()
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(200, UserResponse, { problems: ['not_found', 'last_administrator'] })
  changeRole(
    @CurrentActor() actor: Actor,
    @Param() { id }: UserParams,
    @Body() { role }: ChangeRoleRequest,
  ) {
    return this.users.changeRole(actor, id, role);
  }

  @Post(':id/disable')
  @ApiOperation({ summary: "Keep a user from signing in; ends the user's sessions" })
  @Roles('admin')
  @AcrossOwners()
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(200, UserResponse, { problems: ['not_found', 'last_administrator'] })
  disable(@CurrentActor() actor: Actor, @Param() { id }: UserParams) {
    return this.users.disable(actor, id);
  }

  @Post(':id/enable')
  @ApiOperation({ summary: 'Let a disabled user sign in again' })
  @Roles('admin')
  @AcrossOwners()
  @FreshAuth(FRESH)
  @RateLimit('write')
  @Returns(200, UserResponse, { problems: ['not_found'] })
  enable(@CurrentActor() actor: Actor, @Param() { id }: UserParams) {
    return this.users.enable(actor, id);
  }
}
