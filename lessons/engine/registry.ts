import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, Control, Lesson } from './lesson.js';

const FOLDER = join(import.meta.dirname, '..');

/** Every lesson, in the order of the numbers. Throws when two things share an id or a name is unknown. */
export async function loadLessons(): Promise<Lesson[]> {
  const folders = readdirSync(FOLDER).filter(
    (name) => /^\d\d-/.test(name) && existsSync(join(FOLDER, name, 'lesson.ts')),
  );
  const lessons = await Promise.all(
    folders.toSorted().map(async (folder) => {
      const path = join(FOLDER, folder, 'lesson.ts');
      const { lesson } = (await import(path)) as { lesson: Lesson };
      if (lesson.folder !== folder) throw new Error(`${path} says that it is ${lesson.folder}`);
      return lesson;
    }),
  );
  checkNames(lessons);
  return lessons;
}

function checkNames(lessons: Lesson[]): void {
  const attacks = attacksOf(lessons).map(({ id }) => id);
  const controls = controlsOf(lessons).map(({ id }) => id);
  const ids = [
    ...attacks,
    ...controls,
    ...lessons.flatMap((l) => l.wrongFixes.map(({ id }) => id)),
  ];
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw new Error(`Two things are called ${twice}`);
  const opens = lessons.flatMap((lesson) =>
    [...lesson.controls, ...lesson.wrongFixes, ...(lesson.stacks ?? [])].flatMap(
      (part) => part.opens,
    ),
  );
  const stacked = lessons.flatMap((lesson) =>
    (lesson.stacks ?? []).flatMap((stack) => stack.controls),
  );
  // What nothing lets through proves nothing, and what lets nothing through is no control.
  const idle = attacks.filter((id) => !opens.includes(id));
  if (idle.length > 0) throw new Error(`No removal lets these through: ${idle.join(', ')}`);
  const unnoticed = controlsOf(lessons).filter(
    (control) => control.opens.length === 0 && !stacked.includes(control.id),
  );
  if (unnoticed.length > 0)
    throw new Error(`Nobody notices when these are gone: ${unnoticed.map(({ id }) => id).join()}`);
  const unknown = [
    ...opens.filter((id) => !attacks.includes(id)),
    ...stacked.filter((id) => !controls.includes(id)),
  ];
  if (unknown.length > 0) throw new Error(`Nothing is called ${unknown.join(', ')}`);
}

export const attacksOf = (lessons: Lesson[]): Attack[] => lessons.flatMap(({ attacks }) => attacks);
export const controlsOf = (lessons: Lesson[]): Control[] =>
  lessons.flatMap(({ controls }) => controls);

/** The lesson whose folder starts with `number`; throws when there is none. */
export function pickLesson(lessons: Lesson[], number: string): Lesson {
  const found = lessons.find(({ folder }) => folder.startsWith(`${number}-`) || folder === number);
  if (!found) throw new Error(`There is no lesson ${number}: npm run lessons lists them`);
  return found;
}
