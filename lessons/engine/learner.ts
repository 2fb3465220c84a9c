import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { startInstance } from './instance.js';
import type { Lesson } from './lesson.js';
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
  const candidates = lesson.controls.filter(
    ({ removal, opens }) => removal.edits && opens.length > 0,
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
  const instance = await startInstance([], scratchOf(lesson));
  try {
    await lesson.use(new Target(instance.url, instance));
    say(`${paint('green', 'ok ')} the legitimate use works`);
    for (const attack of lesson.attacks.filter(({ scenario }) => !scenario)) {
      const loot = await attack.run(new Target(instance.url, instance));
      if (loot) process.exitCode = 1;
      say(
        loot
          ? `${paint('red', 'NOT')} ${attack.title}: ${loot}`
          : `${paint('green', 'ok ')} ${attack.title}`,
      );
    }
  } finally {
    await instance.stop();
  }
  say(process.exitCode === 1 ? '\nNot yet.' : '\nMended. Compare with the shipped code.');
}
