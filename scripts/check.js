// npm run check: what CI asks beside the tests, all of it, so that one run shows every fault.
import { spawnSync } from 'node:child_process';

const PARTS = [
  'tsc',
  'oxlint --type-aware',
  'prettier --check .',
  'npm run generate -- --check',
  'npm run check:supply',
];
const failed = PARTS.filter(
  (part) => spawnSync(part, { shell: true, stdio: 'inherit' }).status !== 0,
);
for (const part of failed) process.stderr.write(`Failed: ${part}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
