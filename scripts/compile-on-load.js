import { transformSync } from '@swc/core';
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const configFile = join(import.meta.dirname, '..', '.swcrc');

/**
 * Lets node run TypeScript sources, compiled as the tests and the build compile them.
 * @param {(file: string) => string} read the text of a source file
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
      const filename = fileURLToPath(url);
      const options = { configFile, filename, sourceMaps: 'inline' };
      const { code } = transformSync(read(filename), /** @type {{}} */ (options));
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
}
