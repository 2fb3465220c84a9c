import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../src/database/provision.js';
import type { TestDatabase } from './test-database.js';

const PATIENCE_MS = 20_000;
const POLL_MS = 20;

export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`It did not come to this: ${what}`);
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

/** What requests for a mail left to a worker is done. */
export async function untilRecovered({ query }: TestDatabase): Promise<void> {
  const jobs = () =>
    query(`SELECT FROM pgboss.job
      WHERE name IN ('recovery', 'sign-up') AND state IN ('created', 'active')`);
  await until(async () => (await jobs()).length === 0, 'the requests for links are worked off');
}
