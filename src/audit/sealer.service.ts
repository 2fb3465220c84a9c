import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { acrossOwners } from '../database/acting.js';
import { GENESIS, headOf, SEAL_ROWS, sealNext, type Link, type SealResult } from './chain.js';
import { checkpointIfDue } from './checkpoints.js';
import { SecurityLog } from './security-log.js';

export const SEAL_EVERY_MS = 2_000;

/** Seals events after they were committed: no request waits for the chain. Every instance tries. */
@Injectable()
export class Sealer implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger(Sealer.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** A link that this instance has seen: it must stay. */
  private seen: Link = GENESIS;
  private isTold = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly dataSource: DataSource,
    private readonly config: Config,
    private readonly log: SecurityLog,
  ) {}

  /** After the last request and the last job, while there is still a database: Nest's hooks are before or after. */
  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onClose', () => this.finish());
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), SEAL_EVERY_MS).unref();
  }

  /** Until nothing waits. What fails is tried again the next time. */
  run(last = false): Promise<void> {
    // One after another: a slow run must not have others pile up behind it.
    if (this.running && !last) return this.running;
    const before = this.running ?? Promise.resolve();
    const running = before
      .then(() => acrossOwners(() => this.sealAll(last)))
      .catch((error: Error) => this.logger.warn(`not sealed: ${error.message}`))
      .finally(() => {
        // Another may stand behind it.
        if (this.running === running) this.running = undefined;
      });
    this.running = running;
    return running;
  }

  private async finish(): Promise<void> {
    clearInterval(this.timer);
    await this.log.written();
    await this.run(true);
  }

  private async sealAll(last: boolean): Promise<void> {
    await this.mustStand();
    for (let more = last || (await this.isWaiting()); more;) {
      const result = await this.sealSome(last);
      more = result !== null && result.sealed + result.refused.length === SEAL_ROWS;
    }
  }

  private async isWaiting(): Promise<boolean> {
    const rows = await this.dataSource.sql<unknown[]>`SELECT FROM audit_unsealed LIMIT 1`;
    return rows.length > 0;
  }

  private async sealSome(last: boolean): Promise<SealResult | null> {
    const done = await this.dataSource.transaction(async (tx) => {
      const result = await sealNext(tx, this.config.keys.audit.auditKey);
      if (!result) return null;
      const checkpoint = await checkpointIfDue(tx, this.config.keys.audit.checkpointKey, last);
      return { result, checkpoint };
    });
    if (!done) return null;
    const { result, checkpoint } = done;
    this.seen = result.head;
    for (const eventId of result.refused)
      this.log.tell('data_integrity_fail', { table: 'audit_events', eventId });
    // How it gets where the owner of the database cannot change it: with the log, to the collector.
    if (checkpoint) this.log.tell('sys_audit_checkpoint', checkpoint);
    return result;
  }

  /** Whoever cut the chain off under the app does not get it to write another end. */
  private async mustStand(): Promise<void> {
    const rows = await this.dataSource.sql<unknown[]>`
      SELECT FROM audit_chain WHERE seq = ${this.seen.seq} AND mac = ${this.seen.mac}`;
    const stands = rows.length > 0 || this.seen === GENESIS;
    if (stands) this.seen = await headOf(this.dataSource.manager);
    else this.raiseAlarm();
  }

  private raiseAlarm(): never {
    if (!this.isTold) this.log.tell('data_integrity_fail', { table: 'audit_chain' });
    this.isTold = true;
    throw new Error(`the chain has lost its link ${this.seen.seq}`);
  }
}
