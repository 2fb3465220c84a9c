import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { PageQuery } from '../http/page.dto.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import { SessionEndsService } from './session-ends.service.js';
import { SessionListsService } from './session-lists.service.js';
import { SessionPageResponse, SessionParams } from './sessions.dto.js';

@ApiTags('users')
@Controller('users/me/sessions')
export class SessionsController {
  constructor(
    private readonly lists: SessionListsService,
    private readonly ends: SessionEndsService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List your live sessions, newest first' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, SessionPageResponse, { problems: ['invalid_cursor'] })
  list(@CurrentActor() actor: Actor, @Query() query: PageQuery) {
    return this.lists.listOwn(actor, query);
  }

  @Delete(':id')
  @ApiOperation({ summary: 'End one of your sessions, at once' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204, { problems: ['not_found'] })
  end(@CurrentActor() actor: Actor, @Param() { id }: SessionParams) {
    return this.ends.endOwn(actor, id);
  }
}
