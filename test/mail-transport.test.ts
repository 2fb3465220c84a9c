import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { MailTransport, SMTP_LIMITS } from '../src/mail/mail-transport.js';
import { Config } from '../src/config/config.js';
import { Mailbox } from './support/mailbox.js';
import { testEnvironment } from './support/test-app.js';

const message = { from: 'a@example.com', to: 'b@example.com', subject: 'x', text: 'secret' };
const deliver = (smtpUrl: string) =>
  new MailTransport(
    new Config({ ...testEnvironment('postgres://a@127.0.0.1/b'), SMTP_URL: smtpUrl }),
  ).deliver(message);

let plain: Mailbox;
let secure: Mailbox;
let silent: Server;
let silentUrl: string;
beforeAll(async () => {
  [plain, secure] = await Promise.all([Mailbox.open(), Mailbox.open({ secure: true })]);
  silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  silentUrl = `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
});
afterAll(async () => {
  silent.close();
  await Promise.all([plain.down(), secure.down()]);
});

describe('the way to the mail server', () => {
  it('works', async () => {
    await deliver(plain.url);
    expect(plain.mails).toHaveLength(1);
  });

  it('is not gone without TLS when TLS is asked for, whatever the server says', async () => {
    const before = plain.offers.length;
    await expect(deliver(`${plain.url}?requireTLS=true`)).rejects.toMatchObject({ code: 'ETLS' });
    expect(plain.offers).toHaveLength(before);
  });

  it('is not gone with a server whose certificate nobody vouches for', async () => {
    await expect(deliver(secure.url)).rejects.toThrow(/certificate/);
    expect(secure.offers).toEqual([]);
  });

  it('is given up when nobody speaks at its end', async () => {
    const began = performance.now();
    await expect(deliver(silentUrl)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(performance.now() - began).toBeLessThan(SMTP_LIMITS.greetingTimeout + 3_000);
  });
});
