import { existsSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const configFile = join(import.meta.dirname, '..', '.swcrc');
const require = createRequire(import.meta.url);

/** @param {string} text @param {string} filename */
export function compile(text, filename) {
  // Not sooner: who finds everything compiled already need not load the compiler.
  const { transformSync } = /** @type {typeof import('@swc/core')} */ (require('@swc/core'));
  return transformSync(text, { configFile, filename, sourceMaps: 'inline' }).code;
}

/**
 * Lets node run TypeScript sources, compiled as the tests and the build compile them. A query is handed
 * on to what a source imports: with another one, all sources are loaded once more.
 * @param {(file: string) => string} read the JavaScript of a source file
 */
export function compileOnLoad(read) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const [parent = '', query] = context.parentURL?.split('?') ?? [];
      if (/^\.{1,2}\/.*\.js$/.test(specifier) && parent.endsWith('.ts')) {
        const url = new URL(specifier.replace(/\.js$/, '.ts'), parent);
        if (query) url.search = query;
        if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true };
      }
      return nextResolve(specifier, context);
    },
    load(url, context, nextLoad) {
      if (!isSource(url)) return nextLoad(url, context);
      return { format: 'module', source: read(fileURLToPath(url)), shortCircuit: true };
    },
  });
}

/** @param {string} url */
const isSource = (url) => /\.ts($|\?)/.test(url) && !url.includes('/node_modules/');
