import { queryable, sealedRows } from './sealed-rows.js';
import type { SealedJob } from '../../src/database/sealed-jobs.js';
import type { Mail } from '../../src/mail/templates.js';
import type { TestDatabase } from './test-database.js';

type Queue = Pick<TestDatabase, 'query'>;

export interface JobRow {
  id: string;
  name: string;
  state: string;
  retry_count: number;
  start_after: Date;
  data: Mail;
  output: unknown;
}

let rows: ReturnType<typeof sealedRows> | undefined;

/** What waits, or has failed, with its data as the worker will see it; oldest first. */
export async function openedJobs({ query }: Queue, name = 'mail'): Promise<JobRow[]> {
  const jobs = await query<JobRow & { data: SealedJob }>(
    `SELECT id, name, state, retry_count, start_after, data, output FROM pgboss.job
     WHERE name = $1 ORDER BY created_on`,
    [name],
  );
  rows ??= sealedRows();
  const { openJob } = rows;
  const db = queryable({ query });
  const opened = jobs.map(async (job) => ({
    ...job,
    data: await openJob<Mail>(db, job.id, job.data),
  }));
  return Promise.all(opened);
}

/** The mails to this address. */
export const jobsOf = async (queue: Queue, to: string): Promise<JobRow[]> =>
  (await openedJobs(queue)).filter(({ data }) => data.to === to);

export const linkOf = ({ data }: JobRow): string | undefined =>
  'link' in data.values ? data.values.link : undefined;

/** Their ids, for a statement that changes them. */
export const jobIdsOf = async (queue: Queue, to: string): Promise<string[]> =>
  (await jobsOf(queue, to)).map(({ id }) => id);

export const templatesTo = async (queue: Queue, to: string) =>
  (await jobsOf(queue, to)).map(({ data: { template } }) => ({ template }));
