import { Injectable } from '@nestjs/common';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport, type SMTPTransportOptions, type SendMailOptions } from 'nodemailer';
import { Config } from '../config/config.js';

const OUTBOX = join(import.meta.dirname, '../../.data/outbox');

/** Milliseconds. A mail server that is slower than this is tried again later. */
export const SMTP_LIMITS = {
  dnsTimeout: 5_000,
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 10_000,
};
/** For all of it: a server that says a little now and then keeps no worker. */
export const DELIVERY_MS = 30_000;

/** No text of ours names a file or an address to take content from, and none ever shall. */
const CLOSED = { disableFileAccess: true, disableUrlAccess: true };

type Message = SendMailOptions & { text: string };

/** Hands a mail to the server of SMTP_URL, or writes it where a developer finds it. */
@Injectable()
export class MailTransport {
  readonly deliver: (message: Message) => Promise<void>;

  constructor({ smtpUrl }: Config) {
    this.deliver = smtpUrl ? throughSmtp(smtpUrl) : writeToOutbox;
  }
}

function throughSmtp(smtpUrl: string) {
  const transport = createTransport({ ...smtpOptions(new URL(smtpUrl)), ...CLOSED });
  return async (message: Message): Promise<void> => {
    const timeout = AbortSignal.timeout(DELIVERY_MS);
    const signal = AbortSignal.any(message.signal ? [timeout, message.signal] : [timeout]);
    await transport.sendMail({ ...message, signal });
  };
}

/** Certificates are checked wherever there is TLS. */
function smtpOptions(url: URL): SMTPTransportOptions {
  const secure = url.protocol === 'smtps:';
  return {
    ...SMTP_LIMITS,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: url.searchParams.has('requireTLS'),
    ...(url.username && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
  };
}

/** Development only: production has an SMTP_URL, or does not start. */
async function writeToOutbox(message: Message): Promise<void> {
  const composer = createTransport({ streamTransport: true, buffer: true, ...CLOSED });
  const { message: eml, messageId } = await composer.sendMail(message);
  const id = /[\w-]+/.exec(messageId)?.[0] ?? '';
  const file = join(OUTBOX, `${new Date().toISOString().replaceAll(':', '-')}-${id}.eml`);
  await mkdir(OUTBOX, { recursive: true, mode: 0o700 });
  await writeFile(file, eml as Buffer, { mode: 0o600 });
  const links = message.text.match(/^https?:\S+$/gm) ?? [];
  process.stdout.write(
    [`Mail "${message.subject}" is in ${file}`, ...links].map((line) => `  ${line}\n`).join(''),
  );
}
