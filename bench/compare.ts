import { pick } from './dataset.js';
import { medianOf, run, type Measured } from './load.js';
import { LOGIN, READ, type Scenario } from './scenarios.js';
import type { Line } from './report.js';
import type { Server } from './servers.js';
import type { Stage } from './stage.js';

export interface Pace {
  rounds: number;
  seconds: number;
}

/** Compiling the code and checking each token for the first time are not part of the comparison. */
const WARM_UP_ROUNDS = 2;
/** More at once than are hashed at once, and fewer than are sent away. */
const SATURATING = 32;

const load = ({ owners }: Stage, server: Server, scenario: Scenario, seconds: number) =>
  run(server, { ...scenario, seconds, next: () => scenario.next(pick(owners)) });

/** First, second, first, second ...: what disturbs the machine disturbs both. */
export async function inTurn(
  ways: (() => Promise<Measured>)[],
  rounds: number,
): Promise<Measured[]> {
  const results = ways.map((): Measured[] => []);
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1)
    for (const [n, way] of ways.entries()) results[n]?.push(await way());
  return results.map((all) => medianOf(all.slice(WARM_UP_ROUNDS)));
}

/** The app and, where there is the same work to do, the servers that protect nothing. */
export async function compare(scenario: Scenario, stage: Stage, pace: Pace): Promise<Line> {
  const servers = [stage.app, ...(scenario.hasBare ? [stage.bare, stage.framework] : [])];
  const ways = servers.map((server) => () => load(stage, server, scenario, pace.seconds));
  const measured = (await inTurn(ways, pace.rounds)) as [Measured, Measured?, Measured?];
  const [app, bare, framework] = measured;
  return { name: scenario.name, app, bare, framework };
}

/** Reading alone, and reading while more people sign in than can be served at once. */
export async function compareUnderLogins(stage: Stage, pace: Pace): Promise<[Line, Line]> {
  const read = () => load(stage, stage.app, READ, pace.seconds);
  const readAmongLogins = async () => {
    const flood = { ...LOGIN, connections: SATURATING };
    const logins = load(stage, stage.app, flood, pace.seconds);
    const reads = await read();
    return { ...reads, wrong: reads.wrong + (await logins).wrong };
  };
  const [idle, busy] = (await inTurn([read, readAmongLogins], pace.rounds)) as [Measured, Measured];
  return [
    { name: 'read one, nobody signs in', app: idle },
    { name: 'read one while logins saturate', app: busy },
  ];
}
