import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { acrossOwners } from '../database/acting.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { DATABASE_LIMITS } from '../database/data-source-options.js';

/** An access token lives this long at the most. */
export const ACCESS_TOKEN_SECONDS = 600;
/** Sessions are remembered longer: a token may be issued while the end of its own is committed. */
export const REVOCATION_SECONDS = 2 * ACCESS_TOKEN_SECONDS;

const CHANNEL = 'session_revoked';
const HEARTBEAT_MS = 1_000;
/** A link that has been silent for this long counts as cut, whatever the socket says. */
const MAX_SILENCE_MS = 3_000;
const RECONNECT_MS = 500;
const CATCH_UP_MS = 2_000;
const FORGET_EVERY_BEATS = 60;

/**
 * The sessions that ended while their access tokens are still unexpired, kept in memory and fed by
 * PostgreSQL: asking costs no query (ASVS 7.4.1). While the link is cut, the database is asked for
 * every request: what cannot be known is not assumed.
 */
@Injectable()
export class RevocationFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RevocationFeed.name);
  private readonly revokedAt = new Map<string, number>();
  private readonly awaited = new Map<string, () => void>();
  private link: pg.Client | undefined;
  private heardAt = Number.NEGATIVE_INFINITY;
  private readonly stop = new AbortController();
  private running = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly dataSource: DataSource,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetRows());
  }

  async onApplicationBootstrap(): Promise<void> {
    const link = await this.open();
    this.running = this.keepListening(link);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.link?.end();
    await this.running;
  }

  private get stopping(): boolean {
    return this.stop.signal.aborted;
  }

  get isLive(): boolean {
    return performance.now() - this.heardAt < MAX_SILENCE_MS;
  }

  /** Whether the session has ended. Answers at once while the feed is live, else from the database. */
  isRevoked(sessionId: string): boolean | Promise<boolean> {
    return this.isLive ? this.revokedAt.has(sessionId) : this.askDatabase(sessionId);
  }

  /** Resolves when this instance has heard of everything that was committed before the call. */
  async caughtUp(): Promise<void> {
    if (!this.isLive) return;
    const id = randomUUID();
    const heard = new Promise<void>((resolve) => this.awaited.set(id, resolve));
    try {
      await this.dataSource.query(`SELECT pg_notify($1, $2)`, [CHANNEL, id]);
      const late = sleep(CATCH_UP_MS, 'late', { ref: false });
      // No echo: the link is cut, whatever the socket says. From here on the database is asked.
      if ((await Promise.race([heard, late])) === 'late') this.heardAt = Number.NEGATIVE_INFINITY;
    } finally {
      this.awaited.delete(id);
    }
  }

  private async askDatabase(sessionId: string): Promise<boolean> {
    // Asked before anybody is known to have signed in.
    const live: unknown[] = await acrossOwners(() =>
      this.dataSource.query('SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL', [
        sessionId,
      ]),
    );
    return live.length === 0;
  }

  private async keepListening(first: pg.Client): Promise<void> {
    let link: pg.Client | undefined = first;
    while (!this.stopping) {
      if (link) await this.beat(link);
      await this.pause(link ? 0 : RECONNECT_MS);
      link = this.stopping ? undefined : await this.reopen();
    }
    await link?.end();
  }

  private async reopen(): Promise<pg.Client | undefined> {
    try {
      return await this.open();
    } catch (error) {
      this.logger.warn(
        `no revocation feed, asking the database instead: ${(error as Error).message}`,
      );
      return undefined;
    }
  }

  /** Listens first and loads afterwards, so that nothing falls between the two. */
  private async open(): Promise<pg.Client> {
    const link = new pg.Client({
      connectionString: this.config.databaseUrl,
      application_name: 'bulwark revocation feed',
      connectionTimeoutMillis: DATABASE_LIMITS.connect,
      query_timeout: MAX_SILENCE_MS,
    });
    for (const sign of ['error', 'end'] as const)
      link.on(sign, () => (this.heardAt = Number.NEGATIVE_INFINITY));
    link.on('notification', ({ payload }) => this.hear(payload ?? ''));
    try {
      await link.connect();
      // Not before: pg forgets to answer a connect() whose client is ended meanwhile.
      this.link = link;
      await link.query('LISTEN session_revoked');
      await this.load(link);
    } catch (error) {
      await link.end().catch(() => {});
      throw error;
    }
    return link;
  }

  private async load(link: pg.Client): Promise<void> {
    const { rows } = await link.query<{ session_id: string }>(
      `SELECT session_id FROM session_revocations WHERE revoked_at > now() - $1 * interval '1 second'`,
      [REVOCATION_SECONDS],
    );
    for (const row of rows) this.revokedAt.set(row.session_id, performance.now());
    this.heardAt = performance.now();
  }

  private hear(payload: string): void {
    const waiting = this.awaited.get(payload);
    if (waiting) waiting();
    else this.revokedAt.set(payload, performance.now());
  }

  /** Asks the server for a sign of life until there is none. */
  private async beat(link: pg.Client): Promise<void> {
    try {
      for (let beats = 1; !this.stopping; beats += 1) {
        await link.query('SELECT 1');
        this.heardAt = performance.now();
        if (beats % FORGET_EVERY_BEATS === 0) this.forgetExpired();
        await this.pause(HEARTBEAT_MS);
      }
    } catch (error) {
      this.heardAt = Number.NEGATIVE_INFINITY;
      if (!this.stopping)
        this.logger.warn(`the revocation feed is cut: ${(error as Error).message}`);
    } finally {
      await link.end().catch(() => {});
    }
  }

  /** Cut short when the app stops. */
  private async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { ref: false, signal: this.stop.signal }).catch(() => {});
  }

  private forgetRows(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM session_revocations WHERE session_id IN (
      SELECT session_id FROM session_revocations
      WHERE revoked_at < now() - ${REVOCATION_SECONDS} * interval '1 second'
      LIMIT ${SWEEP_ROWS})`;
  }

  private forgetExpired(): void {
    const oldest = performance.now() - REVOCATION_SECONDS * 1_000;
    for (const [sessionId, at] of this.revokedAt) {
      if (at > oldest) break;
      this.revokedAt.delete(sessionId);
    }
  }
}
