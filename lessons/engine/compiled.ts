import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../scripts/compile-on-load.js';

let file: string | undefined;

/** Compiles the sources of `root` once for all instances of this process; answers where they are. */
export function compiledSources(root: string): string {
  if (file) return file;
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-compiled-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const paths = globSync('src/**/*.ts', { cwd: root }).map((path) => join(root, path));
  const sources = paths.map((path) => [path, compile(readFileSync(path, 'utf8'), path)]);
  file = join(folder, 'sources.json');
  writeFileSync(file, JSON.stringify(Object.fromEntries(sources)));
  return file;
}
