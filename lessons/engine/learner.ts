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
import type { Attack, Lesson, Loot } from './lesson.js';
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

/** Takes one control out of a copy of the project and says no more than that. */
export function breakLesson(lesson: Lesson): void {
  const scratch = scratchOf(lesson);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  for (const name of COPIED) cpSync(join(ROOT, name), join(scratch, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'), 'dir');
  // The learner judges with this lesson's attacks: one of them must notice.
  const candidates = lesson.controls.filter(
    ({ removal, opens }) =>
      removal.edits && lesson.attacks.some((attack) => opens.includes(attack.id)),
  );
  const control = candidates[randomInt(candidates.length)];
  for (const { file, find, replace } of control?.removal.edits ?? []) {
    const path = join(scratch, file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(find, () => replace),
    );
  }
  say(`A copy of the project is in ${relative(process.cwd(), scratch)}`);
  say(
    `This now succeeds against it: ${lesson.attacks.find(({ id }) => control?.opens.includes(id))?.title ?? ''}`,
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
