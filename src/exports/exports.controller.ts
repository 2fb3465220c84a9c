import { Body, Controller, Get, Ip, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsFile } from '../http/returns.decorator.js';
import { ExportDownloadsService } from './export-downloads.service.js';
import { ExportDocument, ExportParams, ExportRequest, ExportResponse } from './exports.dto.js';
import { ExportsService } from './exports.service.js';

@ApiTags('users')
@Controller('users/me/exports')
export class ExportsController {
  constructor(
    private readonly exports: ExportsService,
    private readonly downloads: ExportDownloadsService,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Ask for a copy of your data; a mail says when it is ready' })
  @Roles('user', 'admin')
  @RateLimit('credentials')
  @Returns(202, ExportResponse, {
    about: 'Accepted: it is being written.',
    problems: ['wrong_password', 'too_many_failures', 'export_exists', 'overloaded'],
  })
  request(
    @CurrentActor() actor: Actor,
    @Body() { currentPassword }: ExportRequest,
    @Ip() ip: string,
  ) {
    return this.exports.request(actor, currentPassword, ip);
  }

  @Get(':id')
  @ApiOperation({ summary: 'Download the copy of your data' })
  @Roles('user', 'admin')
  @RateLimit('read')
  @ReturnsFile('export.json', ExportDocument, { problems: ['not_found'] })
  download(@CurrentActor() actor: Actor, @Param() { id }: ExportParams) {
    return this.downloads.open(actor, id);
  }
}
