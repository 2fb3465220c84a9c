// What takes two requests, or needs what the last answer brought: a loop of its own for each person.
import { randomInt } from 'node:crypto';
import { inTurn, type Pace } from './compare.js';
import { PASSWORD, type Owner } from './dataset.js';
import { measuredOf, type Measured } from './load.js';
import type { Line } from './report.js';
import type { FactorOwner } from './second-factors.js';
import type { Server } from './servers.js';
import type { Stage } from './stage.js';

const AT_ONCE = 8;

interface Answer {
  refreshToken: string;
  challenge: { token: string };
}

type Turn = () => Promise<unknown>;

export async function measureFlows({ app, owners, factorOwners }: Stage, pace: Pace) {
  const refreshing = await Promise.all(
    owners.slice(0, AT_ONCE).map((owner) => refresher(app, owner)),
  );
  const left = [...factorOwners];
  const signingIn = Array.from({ length: AT_ONCE }, () => () => signIn(app, left.pop()));
  const ways = [refreshing, signingIn].map((turns) => () => keepBusy(turns, pace.seconds));
  const [refresh, codes] = (await inTurn(ways, pace.rounds)) as [Measured, Measured];
  return [
    { name: 'refresh', app: refresh },
    { name: 'sign in with password and code', app: codes },
  ] satisfies Line[];
}

/** Each of them one turn after the other. Throws at the first answer that is not as it should be. */
export async function keepBusy(turns: Turn[], seconds: number): Promise<Measured> {
  const times: number[] = [];
  const begin = performance.now();
  const work = async (turn: Turn) => {
    for (let now = begin; now < begin + seconds * 1_000;) {
      await turn();
      times.push(performance.now() - now);
      now = performance.now();
    }
  };
  await Promise.all(turns.map(work));
  return measuredOf(times, performance.now() - begin);
}

async function refresher(app: Server, { email }: Owner): Promise<Turn> {
  let { refreshToken } = await post(app, 'login', { email, password: PASSWORD }, 200);
  return async () => ({ refreshToken } = await post(app, 'refresh', { refreshToken }, 200));
}

/** Both halves. A code is good once, so each person comes once. */
async function signIn(app: Server, person: FactorOwner | undefined): Promise<void> {
  if (!person) throw new Error('all codes are used: there are too few people');
  const { challenge } = await post(app, 'login', { email: person.email, password: PASSWORD }, 401);
  await post(app, 'second-factor', { challenge: challenge.token, code: person.code() }, 200);
}

async function post({ url }: Server, path: string, body: object, expected: number) {
  const answer = await fetch(`${url}/v1/auth/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `10.${randomInt(2, 256)}.${randomInt(256)}.${randomInt(256)}`,
    },
    body: JSON.stringify(body),
  });
  if (answer.status !== expected) throw new Error(`${path} answered ${answer.status}`);
  return (await answer.json()) as Answer;
}
