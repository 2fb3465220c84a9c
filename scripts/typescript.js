// Lets node run the TypeScript sources as they are: `node --import ./scripts/typescript.js src/main.ts`.
import { readFileSync } from 'node:fs';
import { compile, compileOnLoad } from './compile-on-load.js';

compileOnLoad((file) => compile(readFileSync(file, 'utf8'), file));
