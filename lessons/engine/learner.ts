import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { RefusedToStart } from './host.js';
import { startInstance } from './instance.js';
import type { Attack, Change, Lesson, Loot } from './lesson.js';
import { controlsOf } from './registry.js';
import { Target } from './target.js';
import { paint, say } from './terminal.js';

const ROOT = join(import.meta.dirname, '../..');
/** What an instance is started from. */
const COPIED = [
  'src',
  'migrations',
  'scripts',
  'lessons',
  'test/support',
  'package.json',
  'tsconfig.json',
  '.swcrc',
];

const scratchOf = ({ folder }: Lesson) => join(ROOT, '.data', 'lessons', folder);

interface Hole {
  removals: Change[];
  opens: string[];
}

/** What can be taken out of the source so that an attack of this very lesson notices. */
function holesOf({ controls, stacks = [], attacks }: Lesson, all: Lesson[]): Hole[] {
  const known = controlsOf(all);
  const removalOf = (id: string) => known.find((control) => control.id === id)?.removal ?? {};
  const holes = [
    ...controls.map(({ removal, opens }) => ({ removals: [removal], opens })),
    ...stacks.map((stack) => ({ removals: stack.controls.map(removalOf), opens: stack.opens })),
  ];
  return holes.filter(
    ({ removals, opens }) =>
      removals.every(({ edits, sql }) => edits && !sql) &&
      attacks.some(({ id }) => opens.includes(id)),
  );
}

/** Takes one control, or what stands behind each other, out of a copy of the project, and says no more. */
export function breakLesson(lesson: Lesson, all: Lesson[]): void {
  const scratch = scratchOf(lesson);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  for (const name of COPIED) cpSync(join(ROOT, name), join(scratch, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'), 'dir');
  const holes = holesOf(lesson, all);
  const hole = holes[randomInt(holes.length)];
  for (const { file, find, replace } of hole?.removals.flatMap(({ edits = [] }) => edits) ?? []) {
    const path = join(scratch, file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(find, () => replace),
    );
  }
  say(`A copy of the project is in ${relative(process.cwd(), scratch)}`);
  say(
    `This now succeeds against it: ${lesson.attacks.find(({ id }) => hole?.opens.includes(id))?.title ?? ''}`,
  );
  say(
    `Find out why in its src/, mend it there, then: npm run lessons -- ${lesson.folder.slice(0, 2)} --judge`,
  );
}

/** Tries every variant of the lesson's attacks, and the legitimate use, on the learner's copy. */
export async function judgeLesson(lesson: Lesson): Promise<void> {
  if (!existsSync(scratchOf(lesson)))
    throw new Error(`First: npm run lessons -- ${lesson.folder.slice(0, 2)} --break`);
  try {
    await tryAll(lesson);
  } catch (error) {
    // A copy that does not start, or does not serve its people, is no mend.
    throw new Error(`Not yet: ${(error as Error).message}`, { cause: error });
  }
}

async function tryAll(lesson: Lesson): Promise<void> {
  const instance = await startInstance([], scratchOf(lesson));
  try {
    await lesson.use(new Target(instance.url, instance));
    say(`${paint('green', 'ok ')} the legitimate use works`);
    for (const attack of lesson.attacks.filter(({ scenario }) => !scenario))
      judge(attack, await attack.run(new Target(instance.url, instance)));
  } finally {
    await instance.stop();
  }
  for (const attack of lesson.attacks.filter(({ scenario }) => scenario))
    judge(attack, await tryScenario(lesson, attack));
  say(process.exitCode === 1 ? '\nNot yet.' : '\nMended. Compare with the shipped code.');
}

function judge({ title }: Attack, loot: Loot): void {
  if (loot) process.exitCode = 1;
  say(loot ? `${paint('red', 'NOT')} ${title}: ${loot}` : `${paint('green', 'ok ')} ${title}`);
}

/** A copy that refuses to start as the shipped app does has stopped the attack. */
async function tryScenario(lesson: Lesson, { scenario = {}, run }: Attack): Promise<Loot> {
  try {
    const instance = await startInstance([scenario], scratchOf(lesson));
    try {
      return await run(new Target(instance.url, instance));
    } finally {
      await instance.stop();
    }
  } catch (error) {
    if (error instanceof RefusedToStart && scenario.refusal?.test(error.message)) return null;
    throw error;
  }
}
