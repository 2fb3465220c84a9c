// npm run lessons: the list. npm run lessons -- 03: one lesson, step by step, against real instances.
// npm run lessons -- 03 --break: a broken copy to mend. npm run lessons -- 03 --judge: judges the mend.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestServer } from '../../test/support/test-server.js';
import { startInstance } from './instance.js';
import { breakLesson, judgeLesson } from './learner.js';
import type { Attack, Change, Control, Lesson, Stack } from './lesson.js';
import { isAsExpected, type Row } from './matrix.js';
import { attacksOf, controlsOf, loadLessons, pickLesson } from './registry.js';
import { Target } from './target.js';
import { command, diff, paint, say, sideBySide, title } from './terminal.js';
import { placesOf, renderRefusal, renderTrace } from './trace.js';

const MATRIX = join(import.meta.dirname, '../matrix.json');

async function main(): Promise<void> {
  const [number, mode] = process.argv.slice(2);
  const lessons = await loadLessons();
  if (!number) return list(lessons);
  const lesson = pickLesson(lessons, number);
  if (mode === '--break') return breakLesson(lesson, lessons);
  if (mode && mode !== '--judge') throw new Error(`What is ${mode}? There are --break and --judge`);
  const stop = await startTestServer();
  try {
    if (mode === '--judge') await judgeLesson(lesson);
    else await tell(lesson, lessons);
  } finally {
    await stop();
  }
}

/** With what `npm run prove` saw when it ran last. */
function list(lessons: Lesson[]): void {
  const { rows } = JSON.parse(readFileSync(MATRIX, 'utf8')) as { rows: Row[] };
  for (const { folder, title: name, controls, attacks } of lessons) {
    const own = rows.filter(({ lesson }) => lesson === folder);
    const proven = own.length > 0 && own.every(isAsExpected);
    const state = proven ? paint('green', 'proven    ') : paint('red', 'not proven');
    const size = `${controls.length} controls, ${attacks.length} attacks`;
    say(`${paint('bold', folder.slice(0, 2))}  ${name.padEnd(46)} ${state}  ${size}`);
  }
  say('\nnpm run lessons -- 03 tells one; add --break to get a broken copy to mend.');
}

async function tell(lesson: Lesson, lessons: Lesson[]): Promise<void> {
  title(`${lesson.folder.slice(0, 2)}  ${lesson.title}`);
  say(lesson.claim);
  say(paint('dim', `ASVS ${lesson.asvs.join(', ')}   ${lesson.api.join(', ')}`));
  const all = attacksOf(lessons);
  for (const control of lesson.controls) {
    const stack = (lesson.stacks ?? []).find(({ controls }) => controls.includes(control.id));
    const { controls, opens } = control.opens.length > 0 || !stack ? alone(control) : stack;
    const attack = all.find(({ id }) => id === opens[0]);
    title(`${control.title}  (${control.file})`);
    if (controls.length > 1)
      say(`Another stands behind it: without ${control.id} alone, the attack gets nothing.`);
    const removed = controls.map((id) => controlsOf(lessons).find((known) => known.id === id));
    if (attack)
      await tellRemoval(
        removed.filter((known) => known !== undefined),
        attack,
      );
  }
}

const alone = ({ id, opens }: Control): Stack => ({ controls: [id], opens });

async function tellRemoval(controls: Control[], attack: Attack): Promise<void> {
  say(`The attack: ${attack.title}`);
  const scenario = attack.scenario ? [attack.scenario] : [];
  const removals = controls.map(({ removal }) => removal);
  const [shipped, removed] = await Promise.all([
    attempt(attack, scenario),
    attempt(attack, [...removals, ...scenario]),
  ]);
  say(`\n${removals.map(describeRemoval).join('\n')}\n`);
  sideBySide(['as shipped', shipped.story], ['with that removed', removed.story]);
  say(`\nas shipped: ${paint('green', shipped.loot ?? 'nothing')}`);
  say(`removed:    ${paint('red', removed.loot ?? 'nothing')}`);
  const without = controls.map(({ id }) => `--without ${id}`).join(' ');
  say(paint('dim', `Try it: npm run attack -- ${attack.id} ${without}`));
}

async function attempt(attack: Attack, changes: Change[]) {
  try {
    const instance = await startInstance(changes);
    try {
      const target = new Target(instance.url, instance);
      const loot = await attack.run(target);
      return { loot, story: renderTrace(target.trace) };
    } finally {
      await instance.stop();
    }
  } catch (error) {
    const { message } = error as Error;
    if (!attack.scenario?.refusal?.test(message)) throw error;
    return { loot: null, story: renderRefusal(message) };
  }
}

const describeRemoval = (change: Change): string =>
  placesOf(change)
    .map(({ place, before, after }) => diff(place, before, after))
    .join('\n');

await command(main);
