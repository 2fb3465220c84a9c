import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { PageQuery } from '../http/page.dto.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import {
  ResourceParams,
  SharePageResponse,
  ShareParams,
  ShareRequest,
  ShareResponse,
} from './resources.dto.js';
import { SharesService } from './shares.service.js';

@ApiTags('resources')
@Controller('resources/:id/shares')
export class SharesController {
  constructor(private readonly shares: SharesService) {}

  @Get()
  @ApiOperation({ summary: 'List with whom a resource of yours is shared' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, SharePageResponse, { problems: ['not_found', 'invalid_cursor'] })
  list(@CurrentActor() actor: Actor, @Param() { id }: ResourceParams, @Query() query: PageQuery) {
    return this.shares.list(actor, id, query);
  }

  @Put(':userId')
  @ApiOperation({ summary: 'Share a resource of yours, or change the permission' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, ShareResponse, { problems: ['not_found'] })
  share(
    @CurrentActor() actor: Actor,
    @Param() { id, userId }: ShareParams,
    @Body() { permission }: ShareRequest,
  ) {
    return this.shares.share(actor, id, userId, permission);
  }

  @Delete(':userId')
  @ApiOperation({ summary: 'End a share that you gave or were given' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204, { problems: ['not_found'] })
  end(@CurrentActor() actor: Actor, @Param() { id, userId }: ShareParams) {
    return this.shares.end(actor, id, userId);
  }
}
