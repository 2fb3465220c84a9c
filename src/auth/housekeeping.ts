import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ACCESS_TOKEN_SECONDS } from '../access/revocation-feed.js';

const EVERY_MS = 10 * 60_000;
/** Small bites: no long lock, no long statement. What is left is taken the next time. */
const MAX_ROWS = 5_000;

/** Deletes what has no more meaning: ended sessions, full budgets, old revocations. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Housekeeping.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly dataSource: DataSource) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweep().catch((error: Error) => this.logger.warn(`not swept: ${error.message}`));
    }, EVERY_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async sweep(): Promise<void> {
    await this.dataSource.sql`DELETE FROM throttles WHERE key IN (
      SELECT key FROM throttles WHERE whole_at < now() LIMIT ${MAX_ROWS})`;
    await this.dataSource.sql`DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE expires_at < now() LIMIT ${MAX_ROWS})`;
    await this.dataSource.sql`DELETE FROM session_revocations WHERE session_id IN (
      SELECT session_id FROM session_revocations
      WHERE revoked_at < now() - ${2 * ACCESS_TOKEN_SECONDS} * interval '1 second' LIMIT ${MAX_ROWS})`;
  }
}
