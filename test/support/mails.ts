import { DataSource } from 'typeorm';
import { Mailer } from '../../src/mail/mailer.js';
import type { Mail } from '../../src/mail/templates.js';
import { startApp, type TestApp } from './test-app.js';
import { jobIdsOf } from './jobs.js';
import type { Mailbox } from './mailbox.js';
import type { TestDatabase } from './test-database.js';

export const LINK = 'http://localhost:3000/verify?token=link-secret-4711';

export const verification = (to: string, link = LINK): Mail => ({
  to,
  template: 'verifyAddress',
  values: { link },
});

/** An instance that sends its mails here. */
export const startMailing = (mailbox: Mailbox, database?: TestDatabase): Promise<TestApp> =>
  startApp({
    ...(database && { database }),
    env: { SMTP_URL: mailbox.url, MAIL_FROM: 'no-reply@bulwark.example' },
  });

/** As a feature sends it: in a transaction of its own. */
export const sendMail = ({ app }: Pick<TestApp, 'app'>, mail: Mail): Promise<void> =>
  app.get(DataSource).transaction((tx) => app.get(Mailer, { strict: false }).send(tx, mail));

/** The time of the next try has come. */
export const makeDue = async (database: TestDatabase, to: string) =>
  database.query(
    `UPDATE pgboss.job SET start_after = now() WHERE state = 'retry' AND id = ANY($1)`,
    [await jobIdsOf(database, to)],
  );
