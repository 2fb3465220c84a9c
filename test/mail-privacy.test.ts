import { afterAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { QUEUES } from '../src/database/job-queue-schema.js';
import { withClient } from '../src/database/provision.js';
import { Child, productionEnvironment, scratchCopy } from './support/child.js';
import { newEmail } from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { jobsOf } from './support/jobs.js';
import { LINK } from './support/mails.js';
import { PostgresProxy } from './support/postgres-proxy.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase } from './support/test-database.js';
import { until } from './support/waiting.js';

const MAILING = ['--import', './scripts/typescript.js', 'test/support/mailing-app.ts'];
const TOKEN = 'link-secret-4711';

const copy = scratchCopy(['test']);
afterAll(() => copy.remove());

describe('the log of production', () => {
  it('has no link and no address, whatever becomes of the mail', async () => {
    const database = await createTestDatabase();
    const proxy = await PostgresProxy.before(database.urls.app);
    const mailbox = await Mailbox.open();
    const to = newEmail();
    mailbox.answers = { refuse: 451 };
    const child = new Child(MAILING, {
      env: {
        ...productionEnvironment(proxy.url),
        PUBLIC_URL: 'https://api.example.org',
        SMTP_URL: mailbox.url,
        MAIL_TO: to,
        MAIL_LINK: `https://api.example.org/verify?token=${TOKEN}`,
      },
    });
    await child.printed(/(not sent yet)/);
    mailbox.answers = { refuseRecipient: 550 };
    await database.query(`UPDATE pgboss.job SET start_after = now()`);
    await child.printed(/(given up)/);
    await until(async () => (await jobsOf(database, to)).length === 0, 'its job is gone');
    child.kill('SIGKILL');
    await child.exit;
    expect(child.output).toMatch(/EMESSAGE 451|EENVELOPE 550/);
    expect(child.output).not.toContain(TOKEN);
    expect(child.output).not.toContain(to);
    expect(child.output).not.toContain('refused by the test');
    await mailbox.down();
    await proxy.close();
    await database.drop();
  }, 120_000);
});

describe('development without a mail server', () => {
  it('writes the mail where its owner alone can read it, and prints the link', async () => {
    const database = await createTestDatabase();
    const to = newEmail();
    const env = { ...testEnvironment(database.urls.app), SMTP_URL: undefined, MAIL_TO: to };
    const child = new Child(MAILING, { cwd: copy.folder, env });
    expect(await child.printed(/^ +(http:\S+)$/m)).toBe(LINK);
    child.kill('SIGTERM');
    await child.exit;
    const outbox = join(copy.folder, '.data/outbox');
    const [file = ''] = readdirSync(outbox);
    expect(file).toMatch(/^\d{4}-\d\d-\d\dT[\d-]+\.\d{3}Z-[\da-f-]{36}\.eml$/);
    expect(statSync(join(outbox, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(outbox, file), 'utf8')).toContain(`To: ${to}`);
    await database.drop();
  }, 120_000);
});

describe("the app's role and the queue", () => {
  it.each([
    ['make a queue', `SELECT pgboss.create_queue('evil', '{"policy": "standard"}')`],
    ['add a queue', `INSERT INTO pgboss.queue (name) VALUES ('evil')`],
    ['delete the queue', `SELECT pgboss.delete_queue('mail')`],
    ['delete the row of the queue', `DELETE FROM pgboss.queue`],
    ['run commands of the queue', `SELECT pgboss.job_table_run('DROP TABLE users')`],
    ['plan a command', `INSERT INTO pgboss.bam (name) VALUES ('evil')`],
    ['make a table', `CREATE TABLE pgboss.mine (id int)`],
    ['change a table', `ALTER TABLE pgboss.job ADD mine int`],
    ['empty a table', `TRUNCATE pgboss.job_common`],
    ['drop the schema', `DROP SCHEMA pgboss CASCADE`],
  ])('cannot %s', async (_what, sql) => {
    const database = await createTestDatabase();
    try {
      const refused = withClient(database.urls.app, (client) => client.query(sql));
      await expect(refused).rejects.toMatchObject({ code: '42501' });
    } finally {
      await database.drop();
    }
  });

  it('goes when its owner drops it, and comes back with the next migration', async () => {
    const { migrate } = await import('../src/database/provision.js');
    const database = await createTestDatabase();
    const queues = () => database.query('SELECT name FROM pgboss.queue ORDER BY name');
    const all = QUEUES.toSorted().map((name) => ({ name }));
    await database.query('DROP SCHEMA pgboss CASCADE');
    await Promise.all([migrate(database.urls.owner), migrate(database.urls.owner)]);
    expect(await queues()).toEqual(all);
    await migrate(database.urls.owner);
    expect(await queues()).toEqual(all);
    await database.drop();
  });
});
