import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UNSAID } from '../bench/unsaid.js';
import type { Change, Lesson } from '../lessons/engine/lesson.js';
import { loadLessons } from '../lessons/engine/registry.js';

const ROOT = join(import.meta.dirname, '..');

let lessons: Lesson[];
beforeAll(async () => {
  lessons = await loadLessons();
});

/** Where the code has moved on: what the removal hook would refuse, told without starting an app. */
function lostEdits(id: string, { edits = [] }: Change = {}): string[] {
  const texts = new Map<string, string>();
  return edits.flatMap(({ file, find, replace }) => {
    const text = texts.get(file) ?? readFileSync(join(ROOT, file), 'utf8');
    const parts = text.split(find);
    texts.set(file, parts.join(replace));
    return parts.length === 2 ? [] : [`${id}: ${file} holds ${parts.length - 1} times: ${find}`];
  });
}

describe('the edits of the lessons', () => {
  it('find each text that is to change exactly once', () => {
    const changes = lessons.flatMap(({ controls, wrongFixes, attacks }) => [
      ...controls.map(({ id, removal }) => ({ id, change: removal })),
      ...wrongFixes.map(({ id, change }) => ({ id, change })),
      ...attacks.map(({ id, scenario }) => ({ id, change: scenario })),
    ]);
    changes.push({ id: 'bench', change: { edits: UNSAID } });
    expect(changes.length).toBeGreaterThan(100);
    expect(changes.flatMap(({ id, change }) => lostEdits(id, change))).toEqual([]);
  });

  it('are missed when the code moves on', () => {
    const file = 'src/main.ts';
    const first = readFileSync(join(ROOT, file), 'utf8').split('\n')[0] ?? '';
    const gone = { file, find: first, replace: '' };
    expect(lostEdits('once', { edits: [gone] })).toEqual([]);
    expect(lostEdits('twice', { edits: [gone, gone] })).toEqual([
      `twice: ${file} holds 0 times: ${first}`,
    ]);
  });
});
