// npm run prove [-- 03]: every control in every state. It writes the traces in the lessons' pages, and without
// a number MATRIX.md and matrix.json; with --check it fails when one of them is stale.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { startTestServer } from '../../test/support/test-server.js';
import { generatedFiles } from './matrix.js';
import { lessonPages } from './pages.js';
import { observe, type Observation } from './observe.js';
import { loadLessons, pickLesson } from './registry.js';
import { statesOf, type State } from './states.js';
import { command } from './terminal.js';

/** More than there are cores: a state also waits, for a mail, a clock or the database. */
const AT_ONCE = Math.ceil(2.5 * availableParallelism());

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const all = await loadLessons();
  const words = process.argv.slice(2);
  const picked = words.filter((word) => word !== '--check').map((word) => pickLesson(all, word));
  const states = statesOf(picked.length > 0 ? picked : all, all);
  const stop = await startTestServer();
  const startedAt = performance.now();
  try {
    const seen = await inParallel(states);
    summarize(seen, performance.now() - startedAt);
    const tables = picked.length === 0 ? await generatedFiles(all, seen) : [];
    await settle([...tables, ...(await lessonPages(seen))], words.includes('--check'));
  } finally {
    await stop();
  }
}

/** Writes what follows from the observations, or says what no longer agrees with them. */
async function settle(files: [file: string, text: string][], checkOnly: boolean): Promise<void> {
  for (const [file, text] of files) {
    const current = await readFile(file, 'utf8').catch(() => '');
    if (current === text) continue;
    say(checkOnly ? `stale: ${file}: run npm run prove` : `written: ${file}`);
    if (checkOnly) process.exitCode = 1;
    else await writeFile(file, text);
  }
}

async function inParallel(states: State[]): Promise<Observation[]> {
  // The longest first: at the end nobody waits for one of them.
  const queue = [...states.entries()].sort(
    ([, one], [, other]) => other.attacks.length - one.attacks.length,
  );
  const seen: Observation[] = [];
  let total = states.length;
  const work = async (_: unknown, worker: number) => {
    // One worker alone takes what looks at the clock, and before all else.
    const timed = () => (worker === 0 ? takeFrom(queue, true) : undefined);
    const take = () => timed() ?? takeFrom(queue, false);
    for (let next = take(); next; next = take()) {
      const [index, state] = next;
      const observation = await observe(state);
      if (state.alone && observation.surprises.length > 0) {
        say(`       ${state.name}: one by one, for ${observation.surprises.join('; ')}`);
        const alone = oneByOne(state.alone, observation);
        queue.push(...alone.map((each) => [(total += 1), each] as [number, State]));
        continue;
      }
      seen[index] = observation;
      report(observation, total - queue.length, total);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return seen.filter((observation) => observation !== undefined);
}

/** The first that looks at the clock, or that does not. */
function takeFrom(queue: [number, State][], atTheClock: boolean): [number, State] | undefined {
  const index = queue.findIndex(
    ([, { attacks }]) => attacks.some(({ looksAtTheClock }) => looksAtTheClock) === atTheClock,
  );
  return index < 0 ? undefined : queue.splice(index, 1)[0];
}

/** Which of the removals was it? Each alone tells. What got nothing without all of them is proven. */
function oneByOne(alone: State[], { state: group, loot }: Observation): State[] {
  const open = new Set(group.attacks.filter(({ id }) => loot.get(id) !== null));
  return alone
    .map((state) => ({ ...state, attacks: state.attacks.filter((attack) => open.has(attack)) }))
    .filter(({ attacks }) => attacks.length > 0);
}

function report({ state, loot, surprises, milliseconds }: Observation, done: number, of: number) {
  const hits = [...loot.values()].filter((got) => got !== null).length;
  const mark = surprises.length === 0 ? 'ok ' : 'NOT';
  const facts = `${hits} of ${loot.size} attacks succeed, ${Math.round(milliseconds)} ms`;
  say(
    `${mark} ${String(done).padStart(3)}/${of}  ${state.kind.padEnd(9)} ${state.name}  (${facts})`,
  );
  for (const surprise of surprises) say(`       ${surprise}`);
}

function summarize(seen: Observation[], milliseconds: number): void {
  const bad = seen.filter(({ surprises }) => surprises.length > 0);
  say(`\n${seen.length} states in ${Math.round(milliseconds / 1_000)} s`);
  // Once more at the end, where they are found.
  for (const { state, surprises } of bad)
    for (const surprise of surprises) say(`NOT ${state.kind} ${state.name}: ${surprise}`);
  say(`${seen.length - bad.length} passed, ${bad.length} failed`);
  if (bad.length > 0) process.exitCode = 1;
}

await command(main);
