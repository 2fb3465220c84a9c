import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { PageQuery } from '../http/page.dto.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import { SessionEndsService } from './session-ends.service.js';
import { SessionListsService } from './session-lists.service.js';
import { SessionPageResponse, UserSessionsParams } from './sessions.dto.js';

@ApiTags('users (administration)')
@Controller('users/:id/sessions')
export class SessionsAdministrationController {
  constructor(
    private readonly lists: SessionListsService,
    private readonly ends: SessionEndsService,
  ) {}

  @Get()
  @ApiOperation({ summary: "List a user's live sessions, newest first" })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('read')
  @Returns(200, SessionPageResponse, { problems: ['not_found', 'invalid_cursor'] })
  list(
    @CurrentActor() actor: Actor,
    @Param() { id }: UserSessionsParams,
    @Query() query: PageQuery,
  ) {
    return this.lists.listOf(actor, id, query);
  }

  @Delete()
  @ApiOperation({ summary: "End all of a user's sessions, at once" })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('write')
  @ReturnsNothing(204, { problems: ['not_found'] })
  end(@CurrentActor() actor: Actor, @Param() { id }: UserSessionsParams) {
    return this.ends.endAllOf(actor, id);
  }
}
