import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change } from './lesson.js';
import { tidy } from './matrix.js';
import type { Observation } from './observe.js';
import { placesOf } from './trace.js';

const FOLDER = join(import.meta.dirname, '..');
/** `<!-- trace CONTROL ATTACK -->` ... `<!-- /trace -->` is filled from here; a stack is A+B. */
const PLACE = /<!-- trace (\S+) (\S+) -->[^]*?<!-- \/trace -->/g;

/** The lessons' pages with their traces as they were just seen. */
export async function lessonPages(seen: Observation[]): Promise<[file: string, text: string][]> {
  const folders = [...new Set(seen.map(({ state }) => state.lesson.folder))];
  return Promise.all(
    folders.map(async (folder) => {
      const file = join(FOLDER, folder, 'README.md');
      const text = await readFile(file, 'utf8');
      const filled = text.replace(PLACE, (_all, control: string, attack: string) =>
        block(control, attack, seen),
      );
      return [file, await tidy(filled, 'markdown')] as [string, string];
    }),
  );
}

function block(control: string, attack: string, seen: Observation[]): string {
  const removed = seen.find(
    ({ state, stories }) =>
      state.name.replaceAll(' ', '') === control &&
      state.kind !== 'wrong fix' &&
      stories.has(attack),
  );
  if (!removed) throw new Error(`A page shows ${attack} without ${control}, which was not tried`);
  const shipped = seen.find(
    ({ state, stories }) =>
      state.kind === 'shipped' && state.lesson === removed.state.lesson && stories.has(attack),
  );
  const change = removed.state.changes.map(describe).join('\n');
  return [
    `<!-- trace ${control} ${attack} -->`,
    '',
    fence('text', `As shipped:\n\n${shipped?.stories.get(attack) ?? ''}`),
    fence('diff', change),
    fence(
      'text',
      `With that:\n\n${removed.stories.get(attack) ?? ''}\n\nLoot: ${removed.loot.get(attack) ?? 'nothing'}`,
    ),
    '<!-- /trace -->',
  ].join('\n');
}

const fence = (kind: string, text: string) => `\`\`\`${kind}\n${text}\n\`\`\`\n`;
const lines = (mark: string, text: string) =>
  text === '' ? [] : text.split('\n').map((line) => `${mark} ${line}`);

const describe = (change: Change): string =>
  placesOf(change)
    .flatMap(({ place, before, after }) => [
      `@@ ${place} @@`,
      ...lines('-', before),
      ...lines('+', after),
    ])
    .join('\n');
