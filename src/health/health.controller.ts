import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { Public } from '../access/access.decorators.js';
import { isDatabaseUnavailable } from '../database/database-errors.js';
import { Text } from '../http/fields.js';
import { Problem } from '../http/problem.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';

export class HealthResponse {
  @Text({ max: 10, example: 'ok' })
  status!: string;
}

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly dataSource: DataSource) {}

  @Get('live')
  @ApiOperation({ summary: 'Whether the process answers' })
  @Public()
  @RateLimit('public')
  @Returns(200, HealthResponse)
  live(): HealthResponse {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether the database answers and has the schema of this build' })
  @Public()
  @RateLimit('public')
  @Returns(200, HealthResponse, { problems: ['not_ready', 'database_unavailable'] })
  async ready(): Promise<HealthResponse> {
    const names = await this.appliedMigrations();
    if (this.dataSource.migrations.some(({ name }) => !names.has(name ?? '')))
      throw new Problem('not_ready', { cause: new Error('there are pending migrations') });
    return { status: 'ok' };
  }

  private async appliedMigrations(): Promise<Set<string>> {
    try {
      const rows = await this.dataSource.sql<{ name: string }[]>`SELECT name FROM migrations`;
      return new Set(rows.map(({ name }) => name));
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      // Before the first migration there is no such table, or no right to read it.
      throw new Problem('not_ready', { cause: error });
    }
  }
}
