import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import {
  DataSource,
  type EntityManager,
  type EntitySubscriberInterface,
  type QueryRunner,
} from 'typeorm';
import { Config } from '../config/config.js';
import { currentRequest } from '../http/logger.js';
import { sourceOf } from '../http/rate-limit.js';
import { RateLimiter } from '../http/rate-limiter.js';
import { auditEvent, insertEvent } from './audit-event.js';
import { LEVELS, LINES_ONLY, type EventFacts, type SecurityEvent } from './vocabulary.js';

/** Rows a minute of what one source was refused. Beyond it there are lines: nobody fills the disk. */
export const REFUSALS_A_MINUTE = 60;

/** What an event says of the request that it is about. */
export type Asking = Pick<FastifyRequest, 'id' | 'log' | 'clientIp' | 'actor'>;
type MaybeRequest = Asking | undefined;

/** Security events: rows that are sealed, and log lines that a rule can match on `event` (ASVS 16.3). */
@Injectable()
export class SecurityLog
  implements
    OnApplicationBootstrap,
    BeforeApplicationShutdown,
    OnApplicationShutdown,
    EntitySubscriberInterface
{
  private readonly refusals = new RateLimiter();
  private readonly underWay = new Set<Promise<void>>();
  private readonly lines = new WeakMap<QueryRunner, (() => void)[]>();

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {
    dataSource.subscribers.push(this);
  }

  onApplicationBootstrap(): void {
    this.tell('sys_startup');
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.writeRow('sys_shutdown', {}, undefined);
    await this.written();
  }

  /** Nothing is on its way to its row any more. */
  async written(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  onApplicationShutdown(): void {
    this.writeLine('sys_shutdown', {}, undefined);
  }

  /**
   * What was done, in the transaction that does it: it is recorded, or it does not happen (ASVS 16.3).
   * The line follows when that is certain.
   */
  async record(tx: EntityManager, event: SecurityEvent, facts: EventFacts = {}): Promise<void> {
    const { queryRunner: runner } = tx;
    if (!runner?.isTransactionActive)
      throw new Error('An event is recorded inside the transaction of what it tells');
    const request = currentRequest.getStore();
    const row = auditEvent(event, facts, request);
    await insertEvent(tx, this.config.keys.audit.auditKey, row);
    const lines = this.lines.get(runner) ?? [];
    this.lines.set(runner, [...lines, () => this.writeLine(event, facts, request)]);
  }

  /** What was refused, or merely noticed: there is nothing that it could commit with. */
  tell(
    event: SecurityEvent,
    facts: EventFacts = {},
    request: MaybeRequest = currentRequest.getStore(),
  ): void {
    this.writeLine(event, facts, request);
    if (LINES_ONLY.has(event)) return;
    const source = sourceOf(request?.clientIp ?? '');
    // Who draws refusals upon himself does not have the damage that he does go without a row.
    const budget = LEVELS[event] === 'error' ? `${event} ${source}` : source;
    if (this.refusals.take(budget, REFUSALS_A_MINUTE).waitSeconds === 0)
      this.writeRow(event, facts, request);
  }

  /** TypeORM calls it. */
  afterTransactionCommit({ queryRunner }: { queryRunner: QueryRunner }): void {
    const lines = this.lines.get(queryRunner) ?? [];
    this.lines.delete(queryRunner);
    for (const write of lines) write();
  }

  /** TypeORM calls it. What was undone was not done. */
  afterTransactionRollback({ queryRunner }: { queryRunner: QueryRunner }): void {
    this.lines.delete(queryRunner);
  }

  private logOf(request: MaybeRequest): FastifyBaseLogger {
    return request?.log ?? this.adapterHost.httpAdapter.getInstance<FastifyInstance>().log;
  }

  private writeLine(event: SecurityEvent, facts: EventFacts, request: MaybeRequest): void {
    writeEvent(this.logOf(request), event, { ip: request?.clientIp ?? undefined, ...facts });
  }

  /** Beside the answer: whoever waited here would hold one connection and ask for another. */
  private writeRow(event: SecurityEvent, facts: EventFacts, request: MaybeRequest): void {
    const row = auditEvent(event, facts, request);
    const log = this.logOf(request);
    const writing = insertEvent(this.dataSource, this.config.keys.audit.auditKey, row)
      .catch((err: unknown) => log.error({ err, event }, 'no row of a security event'))
      .finally(() => this.underWay.delete(writing));
    this.underWay.add(writing);
  }
}

export function writeEvent(log: FastifyBaseLogger, event: SecurityEvent, facts: EventFacts): void {
  log[LEVELS[event]]({ event, ...facts }, 'security event');
}
