import autocannon, { type Client } from 'autocannon';
import type { Server } from './servers.js';

/** What one connection sends over and over. Making them takes time, which is not measured. */
const REQUESTS_A_CONNECTION = 60;

export interface Call {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Load {
  connections: number;
  seconds: number;
  next: () => Call;
}

export interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
  /** Answers that were not 2xx, and connections that broke. */
  wrong: number;
}

/** Keeps every connection busy with one request after the other. */
export async function run(
  { url }: Server,
  { connections, seconds, next }: Load,
): Promise<Measured> {
  const times: number[] = [];
  let wrong = 0;
  let begin = 0;
  const setupClient = (client: Client) => {
    client.setRequests(Array.from({ length: REQUESTS_A_CONNECTION }, next));
    // The first answer waits until all connections are set up: it says nothing about the server.
    client.once('response', () => {
      begin ||= performance.now();
      client.on('response', (status, _bytes, milliseconds) => {
        if (status >= 200 && status < 300) times.push(milliseconds);
        else wrong += 1;
      });
    });
  };
  const result = await autocannon({ url, connections, duration: seconds, setupClient });
  const measured = measuredOf(times, performance.now() - begin);
  return { ...measured, wrong: wrong + result.errors + result.timeouts };
}

/** Of all answers within so many milliseconds. */
export function measuredOf(times: number[], milliseconds: number): Measured {
  const perSecond = (times.length * 1_000) / milliseconds;
  times.sort((a, b) => a - b);
  return { perSecond, p50: quantile(times, 0.5), p99: quantile(times, 0.99), wrong: 0 };
}

const quantile = (sorted: number[], part: number) =>
  sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;

/** The round in the middle, number by number: one disturbed round changes nothing. */
export function medianOf(rounds: Measured[]): Measured {
  const middle = (read: (round: Measured) => number) =>
    quantile(
      rounds.map(read).sort((a, b) => a - b),
      0.5,
    );
  return {
    perSecond: middle((round) => round.perSecond),
    p50: middle((round) => round.p50),
    p99: middle((round) => round.p99),
    wrong: rounds.reduce((sum, round) => sum + round.wrong, 0),
  };
}
