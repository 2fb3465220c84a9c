// npm run bench [-- --quick]: what all the controls together cost. The built app and a bare server do
// the same work on the same database in turn; each number is the median of several rounds.
import 'reflect-metadata';
import { checkAnswers } from './answers.js';
import { compare, compareUnderLogins, type Pace } from './compare.js';
import { goal, percent, ratioOf, table, type Line } from './report.js';
import { CREATE, LIST, LOGIN, PING, READ } from './scenarios.js';
import { setStage, type Stage } from './stage.js';
import { timeStart } from './start-time.js';

const GOALS = { ratio: 0.6, slowdown: 3, startSeconds: 3 };
const pace: Pace = process.argv.includes('--quick')
  ? { rounds: 2, seconds: 2 }
  : { rounds: 5, seconds: 3 };

const say = (text: string) => process.stdout.write(`${text}\n`);

async function measure(stage: Stage): Promise<Line[]> {
  await checkAnswers(stage);
  const lines: Line[] = [];
  for (const scenario of [READ, LIST, CREATE, LOGIN, PING]) {
    say(`measuring: ${scenario.name}`);
    lines.push(await compare(scenario, stage, pace));
  }
  say('measuring: read one resource while logins saturate');
  return [...lines, ...(await compareUnderLogins(stage, pace))];
}

function reportRatios(lines: Line[]): void {
  for (const line of lines.slice(0, 2)) {
    const ratio = ratioOf(line) ?? 0;
    say(
      goal(
        `${line.name}: ${percent(ratio)} of bare (${percent(GOALS.ratio)})`,
        ratio >= GOALS.ratio,
      ),
    );
  }
  const [idle, busy] = lines.slice(-2);
  const slowdown = (busy?.app.p99 ?? 0) / (idle?.app.p99 ?? 1);
  say(
    goal(
      `read p99 while logins saturate: ${slowdown.toFixed(1)}x idle (under ${GOALS.slowdown}x)`,
      slowdown < GOALS.slowdown,
    ),
  );
}

async function reportStart(): Promise<void> {
  const { build, server } = await timeStart();
  const text = `start to first answer: ${server.toFixed(1)} s, with build ${(build + server).toFixed(1)} s`;
  say(goal(`${text} (under ${GOALS.startSeconds} s)`, build + server < GOALS.startSeconds));
}

say('making 100,000 resources of 1,000 owners');
const stage = await setStage();
let lines: Line[];
try {
  lines = await measure(stage);
} finally {
  await stage.stop();
}
say(`\n${table(lines)}\n`);
reportRatios(lines);
await reportStart();

const wrong = lines.reduce((sum, { app, bare }) => sum + app.wrong + (bare?.wrong ?? 0), 0);
if (wrong > 0) {
  say(`${wrong} answers were not 2xx: the numbers above mean nothing`);
  process.exitCode = 1;
}
