import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { SecurityLog } from '../audit/security-log.js';
import { AccountService } from '../auth/account.service.js';
import { EXPORT_HOURS } from '../auth/mail-links.service.js';
import { Housekeeping } from '../database/housekeeping.js';
import { JobQueue } from '../database/job-queue.js';
import { Problem } from '../http/problem.js';
import type { ExportResponse } from './exports.dto.js';

/** Each takes its parts along. */
const EXPORTS_A_BITE = 50;
/** Longer than the largest export takes to be written. */
const JOB = { retryLimit: 3, retryDelay: 30, retryBackoff: true, expireInSeconds: 900 };

@Injectable()
export class ExportsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly account: AccountService,
    private readonly queue: JobQueue,
    private readonly log: SecurityLog,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /** Throws `wrong_password`, `rate_limited`, `export_exists`: of any number at once, one is made. */
  async request(actor: Actor, currentPassword: string, ip: string): Promise<ExportResponse> {
    const { userId } = actor;
    await this.account.reauthenticate(actor, currentPassword, ip);
    return this.dataSource.transaction(async (tx) => {
      await tx.sql`SELECT FROM users WHERE id = ${userId} FOR NO KEY UPDATE`;
      await mustBeLive(tx, actor);
      await tx.sql`DELETE FROM exports WHERE user_id = ${userId} AND expires_at <= now()`;
      const [row] = await tx.sql<(ExportResponse & { id: string })[]>`
        INSERT INTO exports (user_id, expires_at)
        VALUES (${userId}, now() + ${EXPORT_HOURS} * interval '1 hour')
        ON CONFLICT (user_id) DO NOTHING
        RETURNING id, created_at AS "createdAt", expires_at AS "expiresAt"`;
      if (!row) throw new Problem('export_exists');
      await this.queue.add(tx, 'export', { id: row.id }, JOB);
      await this.log.record(tx, 'user_exported', { userId, exportId: row.id, action: 'request' });
      return row;
    });
  }

  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM exports WHERE id IN (
      SELECT id FROM exports WHERE expires_at <= now()
      LIMIT ${EXPORTS_A_BITE} FOR UPDATE SKIP LOCKED)`;
  }
}
