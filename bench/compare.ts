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

const load = ({ owners }: Stage, server: Server, scenario: Scenario, seconds: number) =>
  run(server, { ...scenario, seconds, next: () => scenario.next(pick(owners)) });

/** First, second, first, second ...: what disturbs the machine disturbs both. */
async function inTurn(ways: (() => Promise<Measured>)[], rounds: number): Promise<Measured[]> {
  const results = ways.map((): Measured[] => []);
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round += 1)
    for (const [n, way] of ways.entries()) {
      const measured = await way();
      if (round > 0) results[n]?.push(measured);
    }
  return results.map(medianOf);
}

/** The app and, where there is the same work to do, the bare server. */
export async function compare(scenario: Scenario, stage: Stage, pace: Pace): Promise<Line> {
  const servers = scenario.hasBare ? [stage.app, stage.bare] : [stage.app];
  const ways = servers.map((server) => () => load(stage, server, scenario, pace.seconds));
  const [app, bare] = (await inTurn(ways, pace.rounds)) as [Measured, Measured?];
  return { name: scenario.name, app, bare };
}

/** Reading alone, and reading while more people sign in than can be served at once. */
export async function compareUnderLogins(stage: Stage, pace: Pace): Promise<[Line, Line]> {
  const read = () => load(stage, stage.app, READ, pace.seconds);
  const readAmongLogins = async () => {
    const logins = load(stage, stage.app, LOGIN, pace.seconds);
    const reads = await read();
    return { ...reads, wrong: reads.wrong + (await logins).wrong };
  };
  const [idle, busy] = (await inTurn([read, readAmongLogins], pace.rounds)) as [Measured, Measured];
  return [
    { name: 'read one, nobody signs in', app: idle },
    { name: 'read one while logins saturate', app: busy },
  ];
}
