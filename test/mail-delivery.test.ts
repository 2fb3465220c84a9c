import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { MAIL_JOB, Mailer } from '../src/mail/mailer.js';
import { newEmail } from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { jobsOf } from './support/jobs.js';
import { LINK, makeDue, sendMail, startMailing, verification } from './support/mails.js';
import type { TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startMailing(mailbox);
});
afterAll(async () => {
  await app.close();
  await mailbox.down();
});
afterEach(() => {
  mailbox.answers = {};
});

const jobs = (to: string) => jobsOf(app.database, to);
const isWaiting = (to: string) => async () => (await jobs(to))[0]?.state === 'retry';

describe('a mail that is queued in a transaction', () => {
  it('is sent once when it commits, and leaves nothing behind', async () => {
    const to = newEmail();
    await sendMail(app, verification(to));
    const mail = await mailbox.received(to);
    expect(mail).toMatchObject({ from: 'no-reply@bulwark.example', to: [to] });
    expect(mail.text).toContain(LINK);
    await until(async () => (await jobs(to)).length === 0, 'its job is gone');
    await mailbox.quiet();
    expect(mailbox.to(to)).toHaveLength(1);
  });

  it('is never sent when it is rolled back', async () => {
    const to = newEmail();
    const change = app.app.get(DataSource).transaction(async (tx) => {
      await app.app.get(Mailer, { strict: false }).send(tx, verification(to));
      throw new Error('the change failed');
    });
    await expect(change).rejects.toThrow('the change failed');
    expect(await jobs(to)).toEqual([]);
    await mailbox.quiet();
    expect(mailbox.to(to)).toEqual([]);
  });

  it('is seen by nobody before that commits', async () => {
    const to = newEmail();
    await app.app.get(DataSource).transaction(async (tx) => {
      await app.app.get(Mailer, { strict: false }).send(tx, verification(to));
      await mailbox.quiet();
      expect(mailbox.to(to)).toEqual([]);
    });
    await mailbox.received(to);
  });

  it('cannot be queued outside of one', async () => {
    const to = newEmail();
    const mailer = app.app.get(Mailer, { strict: false });
    const { manager } = app.app.get(DataSource);
    await expect(mailer.send(manager, verification(to))).rejects.toThrow('inside the transaction');
    expect(await jobs(to)).toEqual([]);
  });
});

describe('a mail server', () => {
  it('that is down gets the mail when it is up again', async () => {
    const to = newEmail();
    await mailbox.down();
    await sendMail(app, verification(to));
    await until(isWaiting(to), 'the mail waits for another try');
    const [job] = await jobs(to);
    expect(job?.start_after.getTime()).toBeGreaterThan(Date.now() + 10_000);
    await mailbox.up();
    await makeDue(app.database, to);
    await mailbox.received(to);
    await until(async () => (await jobs(to)).length === 0, 'its job is gone');
  });

  it('that says "not now" is asked again, with the same message', async () => {
    const to = newEmail();
    mailbox.answers = { refuse: 451 };
    await sendMail(app, verification(to));
    await mailbox.offered(to);
    await until(isWaiting(to), 'the mail waits for another try');
    const [job] = await jobs(to);
    expect(job?.retry_count).toBe(0);
    // What the server said stays out of the database, too.
    expect(JSON.stringify(job?.output)).not.toContain('refused by the test');
    mailbox.answers = {};
    await makeDue(app.database, to);
    const mail = await mailbox.received(to);
    expect(mail.headers['message-id']).toBe(`<${job?.id}@bulwark.example>`);
    await mailbox.quiet();
    expect(mailbox.to(to)).toHaveLength(1);
  });

  it('that refuses the address for good is not asked again', async () => {
    const to = newEmail();
    mailbox.answers = { refuseRecipient: 550 };
    await sendMail(app, verification(to));
    await until(async () => (await jobs(to)).length === 0, 'its job is gone');
    mailbox.answers = {};
    await mailbox.quiet();
    expect(mailbox.to(to)).toEqual([]);
  });

  it('that refuses us, and not the mail, is asked again', async () => {
    const to = newEmail();
    mailbox.answers = { refuseSender: 550 };
    await sendMail(app, verification(to));
    await until(isWaiting(to), 'the mail waits for another try');
    mailbox.answers = {};
    await makeDue(app.database, to);
    expect((await mailbox.received(to)).text).toContain(LINK);
  });

  it('that never works is given up after the last try, and the link does not stay', async () => {
    const to = newEmail();
    mailbox.answers = { refuse: 451 };
    await sendMail(app, verification(to));
    for (let tried = 1; tried <= MAIL_JOB.retryLimit; tried++) {
      await mailbox.offered(to, tried);
      await until(isWaiting(to), `the mail waits after try ${tried}`);
      await makeDue(app.database, to);
    }
    await mailbox.offered(to, MAIL_JOB.retryLimit + 1);
    await until(async () => (await jobs(to)).length === 0, 'its job is gone');
    expect(mailbox.offers.filter((one) => one === to)).toHaveLength(MAIL_JOB.retryLimit + 1);
  }, 60_000);
});
