// Compiles src/ to dist/ with the transpiler that the tests use too. Types are checked by `tsc`.
import { transformFile } from '@swc/core';
import { cp, glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');
const target = join(root, 'dist');

await rm(target, { recursive: true, force: true });

/** @param {string} file */
async function compile(file) {
  const out = join(target, relative(source, file));
  await mkdir(dirname(out), { recursive: true });
  if (!file.endsWith('.ts')) return cp(file, out);
  const { code, map } = await transformFile(file, { configFile: join(root, '.swcrc') });
  const js = out.replace(/\.ts$/, '.js');
  await writeFile(js, `${code}\n//# sourceMappingURL=${relative(dirname(js), js)}.map\n`);
  await writeFile(`${js}.map`, map ?? '');
}

const jobs = [];
for await (const entry of glob('**/*.*', { cwd: source })) jobs.push(compile(join(source, entry)));
await Promise.all(jobs);
