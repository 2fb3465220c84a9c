import { join } from 'node:path';
import { format } from 'prettier';
import { contents } from './contents.js';
import type { Lesson } from './lesson.js';
import type { Observation } from './observe.js';

const FOLDER = join(import.meta.dirname, '..');

export interface Row {
  lesson: string;
  state: string;
  name: string;
  opens: string[];
  expected: string[];
}

type Files = [file: string, text: string][];

/** Controls by attacks: which removal lets which attack through. The same at every run. */
export async function generatedFiles(lessons: Lesson[], seen: Observation[]): Promise<Files> {
  const rows = rowsOf(seen);
  const json = { attacks: lessons.flatMap(({ attacks }) => attacks.map(({ id }) => id)), rows };
  return [
    [join(FOLDER, 'matrix.json'), await tidy(JSON.stringify(json), 'json')],
    [join(FOLDER, 'MATRIX.md'), await tidy(page(lessons, rows), 'markdown')],
    [join(FOLDER, 'README.md'), await tidy(contents(lessons), 'markdown')],
  ];
}

export const tidy = (text: string, parser: 'json' | 'markdown') =>
  format(text, { parser, printWidth: 100, singleQuote: true });

/** Scenarios and the sweep split a state into several instances; here they are one row again. */
function rowsOf(seen: Observation[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { state, loot } of seen) {
    if (state.alone) continue;
    const kind = state.kind === 'sweep' ? 'removed' : state.kind;
    const key = `${kind}|${state.name}`;
    const empty = { lesson: state.lesson.folder, state: kind, name: state.name };
    const row = rows.get(key) ?? { ...empty, opens: [], expected: [] };
    row.opens.push(...[...loot].filter(([, got]) => got !== null).map(([id]) => id));
    row.expected.push(...state.expected);
    rows.set(key, row);
  }
  return [...rows.values()];
}

export const isAsExpected = ({ opens, expected }: Row) =>
  opens.toSorted().join() === expected.toSorted().join();

function page(lessons: Lesson[], rows: Row[]): string {
  const lines = rows
    .filter(({ state }) => state !== 'restored' && state !== 'shipped')
    .map((row) => {
      const { lesson, state, name, opens, expected } = row;
      const cells = [
        lesson.slice(0, 2),
        state,
        `\`${name}\``,
        list(opens),
        isAsExpected(row) ? 'as expected' : `expected ${list(expected)}`,
      ];
      return `| ${cells.join(' | ')} |`;
    });
  const controls = lessons.flatMap((lesson) => lesson.controls).length;
  const attacks = lessons.flatMap((lesson) => lesson.attacks).length;
  return [
    '# What each removal lets through',
    '',
    `Written by \`npm run prove\`: ${lessons.length} lessons, ${controls} controls, ${attacks} attacks.`,
    'As shipped, and restored, no attack gets anything; each lesson checks both, and its legitimate use.',
    '',
    '| lesson | state | what is gone or wrong | attacks that then succeed | observed |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}

/** Only a control behind which another stands lets nothing through: the registry sees to that. */
const list = (ids: string[]) =>
  ids.map((id) => `\`${id}\``).join(', ') || 'none: another stands behind it';
