import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderMail } from '../src/mail/render-mail.js';
import { DAILY, HOURLY } from '../src/mail/recipient-limit.js';
import { TEMPLATES, type Mail } from '../src/mail/templates.js';
import { newEmail, newPassword } from './support/factories.js';
import { Mailbox } from './support/mailbox.js';
import { jobsOf } from './support/jobs.js';
import { LINK, sendMail, startMailing, verification } from './support/mails.js';
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

const passwordChanged = (to: string): Mail => ({ to, template: 'passwordChanged', values: {} });
const withLink = (link: string) => verification(newEmail(), link);

describe('the texts', () => {
  it.each(Object.keys(TEMPLATES) as Mail['template'][])(
    'say the same in both forms: %s',
    (name) => {
      const values = { link: LINK, time: 'now', place: '10.1.2.0/24', device: 'curl' };
      const mail = renderMail({ to: '', template: name, values });
      const words = mail.html
        .replace(/<[^>]+>/g, '')
        .split('\n')
        .filter(Boolean);
      expect(words).toEqual(mail.text.split('\n').filter(Boolean));
      expect(mail.text).not.toMatch(/[{}]/);
    },
  );

  it('escape every value in HTML, and take no placeholder from it', () => {
    const evil = `"><script>alert('1')</script>&{link}`;
    const { html, text } = renderMail(withLink(evil));
    expect(html).toContain('&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;{link}');
    expect(html).not.toContain('<script');
    expect(text).toContain(evil);
  });

  it('are not made without a value, also where the type says nothing', () => {
    const mail = { to: 'a@example.com', template: 'verifyAddress', values: {} } as unknown as Mail;
    expect(() => renderMail(mail)).toThrow('needs a value for link');
  });
});

describe('a mail on the wire', () => {
  it('has both forms, one recipient, and asks for no automatic answer', async () => {
    const to = newEmail();
    await sendMail(app, verification(to));
    const { headers, text, html, raw } = await mailbox.received(to);
    expect(headers).toMatchObject({
      to,
      from: 'no-reply@bulwark.example',
      subject: 'Confirm your e-mail address',
      'auto-submitted': 'auto-generated',
    });
    expect(text).toContain(`\n${LINK}\n`);
    expect(html).toContain(`<a href="${LINK}">${LINK}</a>`);
    expect(raw).not.toMatch(/^(bcc|cc|x-mailer):/im);
  });

  it.each([
    'a@example.com\r\nBcc: eve@example.com',
    'a@example.com\nBcc: eve@example.com',
    '"a\r\nBcc: eve"@example.com',
    'a@example.com, eve@example.com',
    'a@example.com;eve@example.com',
    'Ada <a@example.com>',
    '"a" eve"@example.com',
    '"a\\"@example.com',
    '"a<b"@example.com',
    '"a@example.com',
    'a@example.com@example.org',
    'a\u2028b@example.com',
    'a\0b@example.com',
    '',
  ])('goes to one bare address only: %j', async (to) => {
    await expect(sendMail(app, verification(to))).rejects.toThrow('one bare address');
    expect(await jobsOf(app.database, to.replace('\0', ''))).toEqual([]);
  });

  it.each([
    '"a@example.com,eve"@example.com',
    '"a;b:c (d) [e]"@example.com',
    `"' OR 1=1 --"@example.com`,
    `o'neil+tag%x@example.com`,
  ])('goes to an address with special characters as it is, and to no other: %s', async (email) => {
    const person = { email, password: newPassword() };
    const before = mailbox.commands.length;
    expect((await app.client().post('/v1/auth/register', person)).status).toBe(202);
    const named = () => mailbox.commands.slice(before).filter((line) => line.startsWith('RCPT'));
    await until(() => named().length > 0, `a recipient ${email}`);
    await mailbox.quiet();
    expect(named()).toEqual([`RCPT TO:<${email.toLowerCase()}>`]);
  });

  it('has one recipient in its header, too, whatever stands in the quotes', async () => {
    const to = '"a,eve;b:c"@example.com';
    await sendMail(app, verification(to));
    expect((await mailbox.received(to)).headers['to']).toBe(`<${to}>`);
  });

  it.each([
    'javascript:alert(1)',
    'https://eve.example/verify?token=1',
    'http://localhost:3000@eve.example/',
    'http://localhost:3001/verify',
    '/verify',
    '',
  ])('links to us and to nobody else: %j', async (link) => {
    await expect(sendMail(app, withLink(link))).rejects.toThrow('links to PUBLIC_URL');
  });
});

describe('mails of one kind to one address', () => {
  it('are limited, and who sends them does not notice', async () => {
    const to = newEmail();
    for (let sent = 0; sent < HOURLY.burst + 3; sent++)
      await expect(sendMail(app, passwordChanged(to))).resolves.toBeUndefined();
    // Another spelling is the same address.
    await sendMail(app, passwordChanged(to.toUpperCase()));
    await mailbox.quiet();
    await mailbox.quiet();
    expect(mailbox.to(to)).toHaveLength(HOURLY.burst);
    expect(mailbox.to(to.toUpperCase())).toEqual([]);
  });

  it('are limited when they are sent at the same time, too', async () => {
    const to = newEmail();
    await Promise.all(Array.from({ length: 8 }, () => sendMail(app, passwordChanged(to))));
    await mailbox.quiet();
    await mailbox.quiet();
    expect(mailbox.to(to)).toHaveLength(HOURLY.burst);
  });

  it('leave room for other kinds and other addresses', async () => {
    const [to, other] = [newEmail(), newEmail()];
    for (let sent = 0; sent < HOURLY.burst + 1; sent++) await sendMail(app, passwordChanged(to));
    await sendMail(app, verification(to));
    await sendMail(app, passwordChanged(other));
    await mailbox.received(other);
    await mailbox.quiet();
    expect(mailbox.to(to).map(({ headers }) => headers['subject'])).toContain(
      'Confirm your e-mail address',
    );
  });

  it('never are more than 5 in any hour and 20 in any day', () => {
    const most = (seconds: number, { burst, secondsEach }: typeof HOURLY) =>
      burst + Math.ceil(seconds / secondsEach) - 1;
    expect(most(3_600, HOURLY)).toBe(5);
    expect(most(86_400, DAILY)).toBeLessThanOrEqual(20);
  });

  it('are counted under keyed hashes, which name nobody', async () => {
    const to = newEmail();
    await sendMail(app, passwordChanged(to));
    const rows = await app.database.query('SELECT key FROM throttles');
    expect(JSON.stringify(rows)).not.toContain(to);
  });
});
