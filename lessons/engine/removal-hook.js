// Changes sources as node loads them: `node --import ./lessons/engine/removal-hook.js src/main.ts`.
// The edits stand in LESSON_EDITS by then; each file that was changed is reported to the parent process.
// What is not changed may come compiled, in the file that LESSON_COMPILED names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, compileOnLoad } from '../../scripts/compile-on-load.js';

const ROOT = join(import.meta.dirname, '../..');

/** @typedef {{ file: string, find: string, replace: string }} Edit */

const compiledFile = process.env['LESSON_COMPILED'];
/** @type {Record<string, string>} */
const compiled = compiledFile ? JSON.parse(readFileSync(compiledFile, 'utf8')) : {};

compileOnLoad((path) => {
  /** @type {Edit[]} */
  const edits = JSON.parse(process.env['LESSON_EDITS'] ?? '[]');
  const own = edits.filter(({ file }) => path === join(ROOT, file));
  return own.length === 0 && compiled[path] ? compiled[path] : compile(edited(path, own), path);
});

/** @param {string} path @param {Edit[]} own */
function edited(path, own) {
  let text = readFileSync(path, 'utf8');
  for (const { file, find, replace } of own) {
    const parts = text.split(find);
    // The registry cannot drift from the code: what is to go must stand there exactly once.
    if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times: ${find}`);
    text = parts.join(replace);
    process.send?.({ changed: file });
  }
  return text;
}
