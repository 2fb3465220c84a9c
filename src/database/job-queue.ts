import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import {
  PgBoss,
  type JobResult,
  type JobWithMetadata,
  type PerJobWorkWithMetadataHandler,
  type SendOptions,
} from 'pg-boss';
import {
  DataSource,
  type EntityManager,
  type EntitySubscriberInterface,
  type QueryRunner,
} from 'typeorm';
import { acrossOwners } from './acting.js';
import { JOB_SCHEMA, type QueueName } from './job-queue-schema.js';
import { inTransaction, onPool } from './job-statements.js';
import { SealedJobs, type SealedJob } from './sealed-jobs.js';

/** How long jobs under way may take to end when the app stops. Afterwards they are tried again. */
const STOP_MS = 5_000;
/** How often jobs of crashed instances are looked for, and old ones deleted. */
const SUPERVISE_SECONDS = 60;
const DELETE_SECONDS = 600;
/** Jobs of this instance are looked for so soon after their commit: soon, and not beside the answer. */
const NUDGE_MS = 100;
/** Five jobs at the same time; those of others are looked for every second, and while there are more. */
const WORK = {
  pollingIntervalSeconds: 1,
  batchSize: 5,
  burstWhenBatchFull: true,
  includeMetadata: true,
  perJobResults: true,
} as const;

type Work<Data> = (job: JobWithMetadata<Data>) => Promise<void>;

/**
 * Work that is done after the answer, by whichever instance takes it (pg-boss). It shares the app's
 * connections and with them their bounds; nothing here needs more than reading and writing rows.
 */
@Injectable()
export class JobQueue
  implements OnApplicationBootstrap, BeforeApplicationShutdown, EntitySubscriberInterface
{
  private readonly logger = new Logger(JobQueue.name);
  private readonly boss: PgBoss;
  private readonly workers = new Map<QueueName, string>();
  private readonly added = new WeakMap<QueryRunner, Set<QueueName>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly sealedJobs: SealedJobs,
  ) {
    this.boss = new PgBoss({
      db: onPool(dataSource),
      schema: JOB_SCHEMA,
      // The owner does these: `npm run migrate`.
      migrate: false,
      createSchema: false,
      reindex: false,
      monitorVacuum: false,
      schedule: false,
      registerInstance: false,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      maintenanceIntervalSeconds: DELETE_SECONDS,
    });
    this.boss.on('error', (error) => this.logger.warn(`job queue: ${error.message}`));
    dataSource.subscribers.push(this);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.boss.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.boss.stop({ timeout: STOP_MS });
  }

  /** The job is there once the transaction commits, and never when it does not. */
  async add(tx: EntityManager, name: QueueName, data: object, options: SendOptions): Promise<void> {
    const { runner, db } = await inTransaction(tx);
    const sealed = await this.sealedJobs.seal(tx, data);
    await this.boss.send(name, sealed.data, { ...options, id: sealed.id, db });
    this.added.set(runner, (this.added.get(runner) ?? new Set()).add(name));
  }

  /** TypeORM calls it. Before the commit, nobody could see the job. */
  afterTransactionCommit({ queryRunner }: { queryRunner: QueryRunner }): void {
    for (const name of this.added.get(queryRunner) ?? []) {
      const worker = this.workers.get(name);
      if (worker) setTimeout(() => this.boss.notifyWorker(worker), NUDGE_MS).unref();
    }
  }

  /**
   * What the work throws is the failure of this job alone: it is tried again. A job that is done is not
   * kept: its data may hold a link, or whose mails were asked for, and nobody needs it any more.
   */
  async work<Data>(name: QueueName, work: Work<Data>): Promise<void> {
    const once: Work<SealedJob> = async (job) => {
      const data = await this.sealedJobs.open<Data>(this.dataSource, job.id, job.data);
      await acrossOwners(() => work({ ...job, data }));
      await this.boss.deleteJob(name, job);
    };
    const handle: PerJobWorkWithMetadataHandler<SealedJob> = (jobs) =>
      Promise.all(jobs.map((job) => settle(job, once)));
    this.workers.set(
      name,
      await this.boss.work<SealedJob, unknown, typeof WORK>(name, WORK, handle),
    );
  }
}

async function settle<Data>(job: JobWithMetadata<Data>, work: Work<Data>): Promise<JobResult> {
  try {
    await work(job);
    return { id: job.id, status: 'completed' };
  } catch (error) {
    return { id: job.id, status: 'failed', output: { message: (error as Error).message } };
  }
}
