import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { until } from './waiting.js';

/** Longer than a worker waits between two looks at the queue. */
const QUIET_MS = 2_500;

/** A mail as it came over the wire. */
export interface ReceivedMail {
  from: string;
  to: string[];
  headers: Record<string, string>;
  text: string;
  html: string;
  raw: string;
}

interface Answers {
  /** The code with which the server refuses a mail at the end, instead of taking it. */
  refuse?: number;
  /** The code with which it refuses every sender, or every recipient. */
  refuseSender?: number;
  refuseRecipient?: number;
  /** It takes the mail, and says so only after this time. */
  slowMs?: number;
}

/** A real mail server in this process, whose mood a test chooses. */
export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  /** To whom mails were offered, also those that it refused. */
  readonly offers: string[] = [];
  /** What the client said, line by line: the server reads not all addresses that there may be. */
  readonly commands: string[] = [];
  answers: Answers = {};
  private server: SMTPServer | undefined;
  private port = 0;

  /** `secure`: with TLS, and a certificate that nobody vouches for. */
  constructor(private readonly secure = false) {}

  static async open({ secure = false } = {}): Promise<Mailbox> {
    const mailbox = new Mailbox(secure);
    await mailbox.up();
    return mailbox;
  }

  get url(): string {
    return `${this.secure ? 'smtps' : 'smtp'}://127.0.0.1:${this.port}`;
  }

  /** Up again after `down`, under the same address. */
  async up(): Promise<void> {
    this.server = new SMTPServer({
      // Whom it tells, it also tells what it thinks of its certificate.
      logger: !this.secure && commandsTo(this.commands),
      secure: this.secure,
      disabledCommands: ['STARTTLS', 'AUTH'],
      closeTimeout: 100,
      onMailFrom: (_address, _session, done) => done(refusal(this.answers.refuseSender)),
      onRcptTo: (_address, _session, done) => done(refusal(this.answers.refuseRecipient)),
      onData: (stream, session, done) => {
        const { mailFrom, rcptTo } = session.envelope;
        const to = rcptTo.map(({ address }) => address);
        const from = mailFrom ? mailFrom.address : '';
        callbackify(() => this.receive(stream, from, to))(done);
      },
    });
    this.server.on('error', () => {});
    const listening = this.server.listen(this.port, '127.0.0.1');
    await once(listening, 'listening');
    this.port = (listening.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    await new Promise<void>((resolve) => this.server?.close(() => resolve()) ?? resolve());
  }

  private async receive(stream: SMTPServerDataStream, from: string, to: string[]) {
    const { refuse, slowMs = 0 } = this.answers;
    const raw = await text(stream);
    this.offers.push(...to);
    await sleep(slowMs, undefined, { ref: false });
    if (refuse) throw refusal(refuse);
    this.mails.push({ from, to, raw, ...read(raw) });
    return 'taken';
  }

  to(address: string): ReceivedMail[] {
    return this.mails.filter(({ to }) => to.includes(address));
  }

  /** The first mail to this address, of those to come too. */
  async received(address: string): Promise<ReceivedMail> {
    await until(() => this.to(address).length > 0, `a mail to ${address}`);
    return this.to(address)[0] as ReceivedMail;
  }

  /** Waits until a mail to this address was offered so many times. */
  async offered(address: string, times = 1): Promise<void> {
    const count = () => this.offers.filter((to) => to === address).length;
    await until(() => count() >= times, `${times} offers of a mail to ${address}`);
  }

  /** Everything that was queued before has had its time. */
  quiet = () => sleep(QUIET_MS);
}

const refusal = (code: number | undefined) =>
  code ? Object.assign(new Error('refused by the test'), { responseCode: code }) : null;

/** The server tells a logger, and nobody else, what it hears. */
function commandsTo(commands: string[]) {
  const nothing = () => {};
  const debug = (_about: object, direction: string, line: string) => {
    if (direction === 'C:') commands.push(line);
  };
  return { trace: nothing, debug, info: nothing, warn: nothing, error: nothing, fatal: nothing };
}

/** Headers and the two bodies of a multipart/alternative. */
function read(raw: string): Pick<ReceivedMail, 'headers' | 'text' | 'html'> {
  const headers = headersOf(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1] ?? '';
  const parts = raw.split(`--${boundary}`).map((part) => part.replace(/^\r\n/, ''));
  const body = (type: string) => {
    const part = parts.slice(1).find((one) => headersOf(one)['content-type']?.startsWith(type));
    return part ? decode(part) : '';
  };
  return { headers, text: body('text/plain'), html: body('text/html') };
}

function headersOf(part: string): Record<string, string> {
  const head = (part.split('\r\n\r\n', 1)[0] ?? '').replace(/\r\n[ \t]+/g, ' ');
  const pairs = head.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
}

function decode(part: string): string {
  const body = part.slice(part.indexOf('\r\n\r\n') + 4).replaceAll('\r\n', '\n');
  if (headersOf(part)['content-transfer-encoding'] !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
