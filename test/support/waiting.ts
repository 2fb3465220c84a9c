import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueName } from '../../src/database/job-queue-schema.js';
import { withClient } from '../../src/database/provision.js';
import type { TestDatabase } from './test-database.js';

const PATIENCE_MS = 20_000;
const POLL_MS = 5;

export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Not so after ${withinMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** As the administrator: what others wait for is nobody else's to see. */
export async function untilWaiting({ urls }: TestDatabase, statements: number): Promise<void> {
  await withClient(urls.admin, async (admin) => {
    const waiting = () =>
      admin.query(`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    await until(
      async () => (await waiting()).rowCount === statements,
      `${statements} statements wait for a lock`,
    );
  });
}

/** What requests left to a worker is done. */
export const untilRecovered = (database: TestDatabase) =>
  untilWorkedOff(database, ['recovery', 'sign-up', 'export']);

/** And the mails have been sent, or are to be tried again: nothing more comes of what was asked before. */
export const untilMailed = (database: TestDatabase) =>
  untilWorkedOff(database, ['recovery', 'sign-up', 'export', 'mail']);

async function untilWorkedOff({ query }: TestDatabase, queues: QueueName[]): Promise<void> {
  const jobs = () =>
    query(`SELECT FROM pgboss.job WHERE name = ANY($1) AND state IN ('created', 'active')`, [
      queues,
    ]);
  await until(async () => (await jobs()).length === 0, `${queues.join()} are worked off`);
}
