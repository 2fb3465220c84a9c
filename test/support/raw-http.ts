import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
}
export interface Exchange {
  answers: RawAnswer[];
  /** The server ended the connection. */
  closed: boolean;
  milliseconds: number;
}

const IDLE_MS = 700;

interface Options {
  /** How long to wait for the server to end the connection. */
  waitMs?: number;
  /** Goes on after the server has said that it is done, until the connection is gone. */
  stay?: boolean;
  /** Sent one after the other, this far apart, for as long as the connection lives. */
  drip?: { text: string; everyMs: number };
}

/** Sends bytes as they are and collects what comes back. Never ends its own side first. */
export function exchange(url: string, request: string | Buffer, options: Options = {}) {
  const { hostname, port } = new URL(url);
  const { waitMs = IDLE_MS, drip, stay = false } = options;
  const start = performance.now();
  return new Promise<Exchange>((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const dripping = drip && setInterval(() => socket.write(drip.text), drip.everyMs);
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      clearInterval(dripping);
      socket.destroy();
      const answers = parseAnswers(Buffer.concat(chunks).toString('latin1'));
      resolve({ answers, closed, milliseconds: performance.now() - start });
    };
    const timer = setTimeout(() => finish(false), waitMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => stay || finish(true));
    socket.on('error', () => finish(true));
    socket.write(request);
  });
}

/** Answers of this API carry a Content-Length, or have no body. */
function parseAnswers(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest.startsWith('HTTP/1.1 ')) {
    const end = rest.indexOf('\r\n\r\n');
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
    const length = Number(headers.get('content-length') ?? 0);
    const status = Number(first.split(' ')[1]);
    answers.push({ status, headers, text: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}
