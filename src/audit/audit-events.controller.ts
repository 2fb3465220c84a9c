import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AcrossOwners, CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { PageQuery } from '../http/page.dto.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import {
  AuditEventPageResponse,
  ListAuditEventsQuery,
  SecurityEventPageResponse,
} from './audit.dto.js';
import { AuditListsService } from './audit-lists.service.js';

@ApiTags('audit')
@Controller()
export class AuditEventsController {
  constructor(private readonly lists: AuditListsService) {}

  @Get('audit-events')
  @ApiOperation({ summary: 'Read the audit log, newest first; that is recorded, too' })
  @Roles('admin')
  @AcrossOwners()
  @RateLimit('read')
  @Returns(200, AuditEventPageResponse, { problems: ['invalid_cursor'] })
  list(@CurrentActor() actor: Actor, @Query() query: ListAuditEventsQuery) {
    return this.lists.list(actor, query);
  }

  @Get('users/me/security-events')
  @ApiOperation({ summary: 'Read what happened to your account, newest first' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @Returns(200, SecurityEventPageResponse, { problems: ['invalid_cursor'] })
  listOwn(@CurrentActor() actor: Actor, @Query() query: PageQuery) {
    return this.lists.listOwn(actor, query);
  }
}
