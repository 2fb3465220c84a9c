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
 * Lets node run TypeScript sources, compiled as the tests and the build compile them.
 * @param {(file: string) => string} read the JavaScript of a source file
 */
export function compileOnLoad(read) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
        const typescript = specifier.replace(/\.js$/, '.ts');
        if (existsSync(new URL(typescript, context.parentURL)))
          return nextResolve(typescript, context);
      }
      return nextResolve(specifier, context);
    },
    load(url, context, nextLoad) {
      if (!url.endsWith('.ts') || url.includes('/node_modules/')) return nextLoad(url, context);
      return { format: 'module', source: read(fileURLToPath(url)), shortCircuit: true };
    },
  });
}
