// Lets node run the TypeScript sources as they are: `node --import ./scripts/typescript.js src/main.ts`.
import { readFileSync } from 'node:fs';
import { compileOnLoad } from './compile-on-load.js';

compileOnLoad((file) => readFileSync(file, 'utf8'));
