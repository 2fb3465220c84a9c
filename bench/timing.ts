import { randomInt, randomUUID } from 'node:crypto';
import { PASSWORD, type Owner } from './dataset.js';
import type { Server } from './servers.js';
import { grid } from './report.js';

/** Pairs of requests a flow: enough to see a difference of a twentieth of the spread. */
const PAIRS = 400;
/** Of two equal samples one is slower in half of all pairs; chance alone stays within this. */
const TOLERANCE = 0.06;

interface Flow {
  name: string;
  path: string;
  body: (email: string) => Record<string, string>;
}

const FLOWS: Flow[] = [
  {
    name: 'sign-in, wrong password',
    path: '/v1/auth/login',
    body: (email) => ({ email, password: `${PASSWORD}!` }),
  },
  {
    name: 'sign-up',
    path: '/v1/auth/register',
    body: (email) => ({ email, password: PASSWORD }),
  },
  { name: 'forgotten password', path: '/v1/auth/forgot-password', body: (email) => ({ email }) },
];

export interface Overlap {
  name: string;
  /** Milliseconds, the middle of all. */
  known: number;
  unknown: number;
  /** In what part of all pairs the known address is the slower one: 0.5 when nobody can tell. */
  slower: number;
}

/** What the clock says about who has an account: each address is asked for once, in random order. */
export async function compareTimes(app: Server, owners: Owner[]): Promise<Overlap[]> {
  const results: Overlap[] = [];
  for (const flow of FLOWS) {
    const [known, unknown]: [number[], number[]] = [[], []];
    for (const [n, { email }] of owners.slice(0, PAIRS).entries()) {
      const asks: [times: number[], email: string][] = [
        [known, email],
        [unknown, `nobody-${randomUUID()}@example.com`],
      ];
      // In turn, and each of the two first as often: what disturbs the machine disturbs both.
      for (const [times, address] of n % 2 ? asks : asks.toReversed())
        times.push(await time(app, flow, address));
    }
    results.push({
      name: flow.name,
      known: median(known),
      unknown: median(unknown),
      slower: partSlower(known, unknown),
    });
  }
  return results;
}

async function time({ url }: Server, { path, body }: Flow, email: string) {
  const startedAt = performance.now();
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      // Somebody who comes for the first time, so that every budget is whole.
      'x-forwarded-for': `10.${randomInt(2, 256)}.${randomInt(256)}.${randomInt(256)}`,
    },
    body: JSON.stringify(body(email)),
  });
  await answer.arrayBuffer();
  if (answer.status === 429 || answer.status >= 500)
    throw new Error(`${path} answered ${answer.status}: the times mean nothing`);
  return performance.now() - startedAt;
}

/** Mann and Whitney's U as a part of all pairs. */
function partSlower(one: number[], other: number[]): number {
  const wins = one.flatMap((a) => other.map((b) => Number(a > b) + Number(a === b) / 2));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

const median = (times: number[]) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

export const isEven = ({ slower }: Overlap) => Math.abs(slower - 0.5) <= TOLERANCE;

export function timesTable(overlaps: Overlap[]): string {
  return grid(
    ['', 'known p50 ms', 'unknown p50 ms', 'known slower in', 'overlap'],
    overlaps.map(({ name, known, unknown, slower }) => [
      name,
      known.toFixed(1),
      unknown.toFixed(1),
      `${(slower * 100).toFixed(0)} %`,
      `${((1 - Math.abs(2 * slower - 1)) * 100).toFixed(0)} %`,
    ]),
  );
}
