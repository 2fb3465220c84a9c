// Changes sources as node loads them: `node --import ./lessons/engine/removal-hook.js src/main.ts`.
// The edits come in LESSON_EDITS; each file that was changed is reported to the parent process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileOnLoad } from '../../scripts/compile-on-load.js';

const ROOT = join(import.meta.dirname, '../..');

/** @type {{ file: string, find: string, replace: string }[]} */
const edits = JSON.parse(process.env['LESSON_EDITS'] ?? '[]');

compileOnLoad((path) => {
  let text = readFileSync(path, 'utf8');
  for (const { file, find, replace } of edits) {
    if (path !== join(ROOT, file)) continue;
    const parts = text.split(find);
    // The registry cannot drift from the code: what is to go must stand there exactly once.
    if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times: ${find}`);
    text = parts.join(replace);
    process.send?.({ changed: file });
  }
  return text;
});
