// npm run bench [-- --quick]: what all the controls together cost. The built app, a bare server and a bare
// one in Nest do the same work on the same database in turn; each number is the median of several rounds.
// npm run bench -- --controls: what each control on the read path costs, by taking it out.
import 'reflect-metadata';
import { checkAnswers } from './answers.js';
import { compare, compareUnderLogins, type Pace } from './compare.js';
import { compareControls } from './controls.js';
import { measureFlows } from './flows.js';
import { compareHashing } from './hashing.js';
import { goal, percent, ratioOf, table, type Line } from './report.js';
import { CREATE, LIST, LOGIN, PING, READ, SESSIONS, type Scenario } from './scenarios.js';
import { setStage, type Stage } from './stage.js';
import { timeStart } from './start-time.js';
import { compareTimes, isEven, timesTable } from './timing.js';

const GOALS = { ratio: 0.6, slowdown: 3, hashing: 0.95, startSeconds: 3 };
const pace: Pace = process.argv.includes('--quick')
  ? { rounds: 3, seconds: 1 }
  : { rounds: 4, seconds: 3 };

const say = (text: string) => process.stdout.write(`${text}\n`);

async function measure(stage: Stage) {
  await checkAnswers(stage);
  const measured = async (scenario: Scenario) => {
    say(`measuring: ${scenario.name}`);
    return compare(scenario, stage, pace);
  };
  const read = await measured(READ);
  const list = await measured(LIST);
  const others: Line[] = [];
  for (const scenario of [CREATE, LOGIN, SESSIONS, PING]) others.push(await measured(scenario));
  say('measuring: refresh; sign in with password and code');
  others.push(...(await measureFlows(stage, pace)));
  say('measuring: read one resource while logins saturate');
  const [idle, busy] = await compareUnderLogins(stage, pace);
  say('measuring: what the clock tells about who has an account');
  const overlaps = await compareTimes(stage.app, stage.owners);
  return { read, list, idle, busy, overlaps, lines: [read, list, ...others, idle, busy] };
}

function reportRatio(line: Line): void {
  const ratio = ratioOf(line) ?? 0;
  const text = `${line.name}: ${percent(ratio)} of bare (at least ${percent(GOALS.ratio)})`;
  const floor = `Nest without a control: ${percent(ratioOf(line, 'framework'))}`;
  say(`${goal(text, ratio >= GOALS.ratio)}; ${floor}`);
}

function reportSlowdown(idle: Line, busy: Line): void {
  const slowdown = busy.app.p99 / idle.app.p99;
  const text = `${busy.name}: p99 is ${slowdown.toFixed(1)}x idle (under ${GOALS.slowdown}x)`;
  say(goal(text, slowdown < GOALS.slowdown));
}

/** Sign-ins are as fast as their hashes: nothing that the app puts around them may cost any. */
async function reportHashing(): Promise<void> {
  say('measuring: hashing while more is asked for than can be done');
  const [app, library] = await compareHashing(pace);
  const ratio = app.perSecond / library.perSecond;
  const text = `hashing: ${app.perSecond.toFixed(0)}/s, ${percent(ratio)} of the library alone`;
  say(goal(`${text} (at least ${percent(GOALS.hashing)})`, ratio >= GOALS.hashing));
}

async function reportStart(): Promise<void> {
  const { build, server } = await timeStart();
  const text = `start to first answer: ${server.toFixed(1)} s, with build ${(build + server).toFixed(1)} s`;
  say(goal(`${text} (under ${GOALS.startSeconds} s)`, build + server < GOALS.startSeconds));
}

async function compareWithBare(): Promise<void> {
  const stage = await setStage();
  let result: Awaited<ReturnType<typeof measure>>;
  try {
    result = await measure(stage);
  } finally {
    await stage.stop();
  }
  const { lines, read, list, idle, busy, overlaps } = result;
  say(`\n${table(lines)}\n\n${timesTable(overlaps)}\n`);
  for (const line of [read, list]) reportRatio(line);
  reportSlowdown(idle, busy);
  say(goal('nobody can tell by the clock who has an account', overlaps.every(isEven)));
  await reportHashing();
  await reportStart();

  const wrong = lines.reduce((sum, { app, bare }) => sum + app.wrong + (bare?.wrong ?? 0), 0);
  if (wrong > 0) {
    say(`${wrong} answers were not 2xx: the numbers above mean nothing`);
    process.exitCode = 1;
  }
}

say('making 100,000 resources of 1,000 owners');
if (process.argv.includes('--controls')) say(`\n${await compareControls(pace)}`);
else await compareWithBare();
