import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../src/database/provision.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { firstThatTells } from '../engine/tries.js';
import { opensProfile } from './people.js';

const POLL_MS = 10;
const WAIT_MS = 5_000;

interface Backend {
  pid: number;
  query: string;
  milliseconds: number;
}

/** The connection on which the instance hears of revocations. */
const FEED = `
  SELECT pid, query, extract(epoch FROM clock_timestamp() - query_start)::float8 * 1000 AS milliseconds
  FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'bulwark revocation feed'`;

/** As the server sees it: only an administrator may see what others run. */
function feedWhen(target: Target, holds: (feed: Backend) => boolean): Promise<Backend> {
  return withClient(target.lab.database.urls.admin, async (admin) => {
    for (const end = performance.now() + WAIT_MS; performance.now() < end; await sleep(POLL_MS)) {
      const { rows } = await admin.query<Backend>(FEED);
      const feed = rows.find(holds);
      if (feed) return feed;
    }
    throw new Error('the revocation feed is not there');
  });
}

/** Right after a heartbeat: it takes the instance most of a second to connect again. */
async function cutFeed(target: Target): Promise<number> {
  const { pid } = await feedWhen(target, (feed) => feed.milliseconds < 100);
  await withClient(target.lab.database.urls.admin, (admin) =>
    admin.query('SELECT pg_terminate_backend($1, 1000)', [pid]),
  );
  return pid;
}

const feedIsBack = (target: Target, oldPid: number) =>
  feedWhen(target, ({ pid, query }) => pid !== oldPid && query === 'SELECT 1');

/** A log-out that the instance cannot hear of, unless a busy machine let it connect again before. */
async function logOutUnheard(target: Target) {
  const ada = await target.person('ada');
  const pid = await cutFeed(target);
  await ada.client.post('/v1/auth/logout');
  return { ada, pid };
}

async function isStillDown(target: Target, oldPid: number): Promise<boolean> {
  const { rows } = await withClient(target.lab.database.urls.admin, (admin) =>
    admin.query<Backend>(FEED),
  );
  return rows.every(({ pid }) => pid === oldPid);
}

async function whileDown(target: Target): Promise<Loot | undefined> {
  const { ada, pid } = await logOutUnheard(target);
  if (await opensProfile(target, ada, ada.accessToken)) return 'Ada’s profile';
  return (await isStillDown(target, pid)) ? null : undefined;
}

async function afterwards(target: Target): Promise<Loot | undefined> {
  const { ada, pid } = await logOutUnheard(target);
  const unheard = await isStillDown(target, pid);
  await feedIsBack(target, pid);
  if (await opensProfile(target, ada, ada.accessToken)) return 'Ada’s profile';
  return unheard ? null : undefined;
}

/** Once more when it connected again too early to tell. */
const attack = (
  id: string,
  title: string,
  run: (target: Target) => Promise<Loot | undefined>,
): Attack => ({
  id,
  title,
  needsLab: true,
  swept: 'never',
  run: (target) =>
    firstThatTells(
      () => run(target),
      () => run(target),
    ),
});

export const feedAttacks: Attack[] = [
  attack('revoke-feed-down', 'Use a revoked token while the news cannot arrive', whileDown),
  attack('revoke-feed-missed', 'Use a revoked token after the news was missed', afterwards),
];
