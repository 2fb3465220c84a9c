import { Body, Controller, Ip, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor, FRESH, FreshAuth, Roles } from '../access/access.decorators.js';
import type { Actor } from '../access/actor.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns, ReturnsFile } from '../http/returns.decorator.js';
import { ExportDownloadsService } from './export-downloads.service.js';
import {
  DownloadExportRequest,
  ExportDocument,
  ExportRequest,
  ExportResponse,
} from './exports.dto.js';
import { ExportsService } from './exports.service.js';

@ApiTags('users')
@Controller()
export class ExportsController {
  constructor(
    private readonly exports: ExportsService,
    private readonly downloads: ExportDownloadsService,
  ) {}

  @Post('users/me/exports')
  @ApiOperation({ summary: 'Ask for a copy of your data; a mail has the link when it is ready' })
  @Roles('user', 'admin')
  @FreshAuth(FRESH)
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

  @Post('auth/download-export')
  @ApiOperation({
    summary: 'Download the copy of your data, once, with the link of the mail, as who you are',
  })
  @Roles('user', 'admin')
  @RateLimit('credentials')
  @ReturnsFile('export.json', ExportDocument, { problems: ['invalid_link'] })
  download(@CurrentActor() actor: Actor, @Body() { token }: DownloadExportRequest) {
    return this.downloads.open(actor, token);
  }
}
