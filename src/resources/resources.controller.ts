import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { IdempotencyKey, IfMatch } from '../http/header.decorators.js';
import { Problem } from '../http/problem.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsNothing } from '../http/returns.decorator.js';
import { ResourceListsService } from './resource-lists.service.js';
import {
  ChangeResourceRequest,
  CreateResourceRequest,
  ListResourcesQuery,
  ListSharedQuery,
  ResourcePageResponse,
  ResourceParams,
  ResourceResponse,
  SharedPageResponse,
} from './resources.dto.js';
import { ResourcesService } from './resources.service.js';

const IF_MATCH = { name: 'If-Match', schema: { type: 'string' }, example: '"1"' } as const;
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  description: '1 to 64 letters, digits, "-" or "_". The same key creates once.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' },
  example: '5f0c6f0e-7f0b-4b0e-9d53-0a4d1c1c2b11',
  required: false,
} as const;

@ApiTags('resources')
@Controller('resources')
export class ResourcesController {
  constructor(
    private readonly resources: ResourcesService,
    private readonly lists: ResourceListsService,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Create a resource' })
  @ApiHeader(IDEMPOTENCY_KEY)
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(201, ResourceResponse, {
    versioned: true,
    problems: ['invalid_idempotency_key', 'idempotency_key_reused', 'idempotency_key_spent'],
  })
  create(
    @CurrentActor() actor: Actor,
    @Body() request: CreateResourceRequest,
    @IdempotencyKey() key: string | undefined,
  ) {
    return this.resources.create(actor, request, key);
  }

  @Get()
  @ApiOperation({ summary: 'List your own resources' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ResourcePageResponse, { problems: ['invalid_cursor'] })
  list(@CurrentActor() actor: Actor, @Query() query: ListResourcesQuery) {
    return this.lists.own(actor, query);
  }

  @Get('shared-with-me')
  @ApiOperation({ summary: 'List what others share with you' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, SharedPageResponse, { problems: ['invalid_cursor'] })
  listShared(@CurrentActor() actor: Actor, @Query() query: ListSharedQuery) {
    return this.lists.sharedWith(actor, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read a resource of your own or shared with you' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, ResourceResponse, { versioned: true, problems: ['not_found'] })
  read(@CurrentActor() actor: Actor, @Param() { id }: ResourceParams) {
    return this.resources.get(actor, id);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Change a resource that you own or may write' })
  @ApiHeader({ ...IF_MATCH, required: true, description: 'The ETag of the version that you read.' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @Returns(200, ResourceResponse, {
    versioned: true,
    problems: ['not_found', 'version_mismatch', 'if_match_required', 'invalid_if_match'],
  })
  change(
    @CurrentActor() actor: Actor,
    @Param() { id }: ResourceParams,
    @Body() changes: ChangeResourceRequest,
    @IfMatch() version: number | undefined,
  ) {
    if (version === undefined) throw new Problem('if_match_required');
    return this.resources.change(actor, id, version, changes);
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Delete a resource that you own' })
  @ApiHeader({ ...IF_MATCH, required: false, description: 'Delete this version only.' })
  @Roles('user', 'admin')
  @RateLimit('write')
  @ReturnsNothing(204, { problems: ['not_found', 'version_mismatch', 'invalid_if_match'] })
  remove(
    @CurrentActor() actor: Actor,
    @Param() { id }: ResourceParams,
    @IfMatch() version: number | undefined,
  ) {
    return this.resources.remove(actor, id, version);
  }
}
