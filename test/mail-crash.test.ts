import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { JobQueue } from '../src/database/job-queue.js';
import type { PgBoss } from 'pg-boss';
import { Child } from './support/child.js';
import { newEmail } from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { jobIdsOf, jobsOf } from './support/jobs.js';
import { makeDue, sendMail, startMailing, verification } from './support/mails.js';
import { testEnvironment, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { until } from './support/waiting.js';

let mailbox: Mailbox;
let database: TestDatabase;
const running = new Set<TestApp>();
beforeAll(async () => {
  [mailbox, database] = await Promise.all([Mailbox.open(), createTestDatabase()]);
});
afterEach(async () => {
  mailbox.answers = {};
  for (const app of running) await app.close();
  running.clear();
});
afterAll(async () => {
  await mailbox.down();
  await database.drop();
});

const start = async () => {
  const app = await startMailing(mailbox, database);
  running.add(app);
  return app;
};
const stop = async (app: TestApp) => {
  running.delete(app);
  await app.close();
};
/** What an instance does every minute. */
const supervise = async ({ app }: TestApp) => {
  await database.query(
    `UPDATE pgboss.queue SET monitor_claim_on = NULL, monitor_on = NULL, maintain_on = NULL`,
  );
  const boss = Reflect.get(app.get(JobQueue), 'boss') as PgBoss;
  const errors: Error[] = [];
  boss.on('error', (error) => errors.push(error));
  await boss.supervise();
  await boss.resolveFlow();
  expect(errors).toEqual([]);
};
const crashing = (to: string) =>
  new Child(['--import', './scripts/typescript.js', 'test/support/mailing-app.ts'], {
    env: {
      ...testEnvironment(database.urls.app),
      SMTP_URL: mailbox.url,
      MAIL_FROM: 'no-reply@bulwark.example',
      MAIL_TO: to,
    },
  });

describe('several instances', () => {
  it('send each mail once', async () => {
    await Promise.all([start(), start(), start()]);
    const [app] = running;
    const people = Array.from({ length: 12 }, newEmail);
    mailbox.answers = { slowMs: 100 };
    await Promise.all(people.map((to) => sendMail(app as TestApp, verification(to))));
    for (const to of people) await mailbox.received(to);
    await mailbox.quiet();
    expect(people.map((to) => mailbox.to(to).length)).toEqual(people.map(() => 1));
  });
});

describe('an instance that is killed', () => {
  it('while it sends loses nothing: another one sends the same message', async () => {
    const to = newEmail();
    mailbox.answers = { slowMs: 60_000 };
    const child = crashing(to);
    await mailbox.offered(to);
    child.kill('SIGKILL');
    await child.exit;
    const [job] = await jobsOf(database, to);
    expect(job?.state).toBe('active');

    mailbox.answers = {};
    const app = await start();
    await supervise(app);
    expect((await jobsOf(database, to))[0]?.state).toBe('active');
    await database.query(
      `UPDATE pgboss.job SET started_on = started_on - interval '10 minutes' WHERE id = $1`,
      [job?.id],
    );
    await supervise(app);
    await until(
      async () => (await jobsOf(database, to))[0]?.state === 'retry',
      'it is queued again',
    );
    await makeDue(database, to);
    const { headers } = await mailbox.received(to);
    expect(headers['message-id']).toContain(`${job?.id}@`);
  }, 120_000);

  it('between the commit and the sending loses nothing', async () => {
    const to = newEmail();
    await mailbox.down();
    const child = crashing(to);
    await child.printed(/queued: (yes)/);
    child.kill('SIGKILL');
    await child.exit;
    expect(await jobsOf(database, to)).toHaveLength(1);
    await mailbox.up();
    // It may have been about to connect.
    await database.query(
      `UPDATE pgboss.job SET state = 'retry' WHERE state = 'active' AND id = ANY($1)`,
      [await jobIdsOf(database, to)],
    );
    await makeDue(database, to);
    await start();
    await mailbox.received(to);
  }, 120_000);
});

describe('an instance that stops', () => {
  it('sends the mail that it has begun', async () => {
    const to = newEmail();
    const app = await start();
    mailbox.answers = { slowMs: 1_000 };
    await sendMail(app, verification(to));
    await mailbox.offered(to);
    await stop(app);
    expect(mailbox.to(to)).toHaveLength(1);
    expect(await jobsOf(database, to)).toEqual([]);
  });

  it('does not wait for ever, and leaves the mail for another one', async () => {
    const to = newEmail();
    const app = await start();
    mailbox.answers = { slowMs: 20_000 };
    await sendMail(app, verification(to));
    await mailbox.offered(to);
    const began = performance.now();
    await stop(app);
    expect(performance.now() - began).toBeLessThan(9_000);
    expect((await jobsOf(database, to))[0]?.state).toBe('retry');
  });
});

describe('what is kept of jobs', () => {
  it('is deleted as the app may do it, when nobody could use it any more', async () => {
    const app = await start();
    const to = newEmail();
    await mailbox.down();
    await sendMail(app, verification(to));
    await until(async () => (await jobsOf(database, to))[0]?.state === 'retry', 'it waits');
    await database.query(
      `UPDATE pgboss.job SET keep_until = now() - interval '1 second' WHERE id = ANY($1)`,
      [await jobIdsOf(database, to)],
    );
    await supervise(app);
    expect(await jobsOf(database, to)).toEqual([]);
    await mailbox.up();
  });
});
