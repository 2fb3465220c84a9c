import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run, scratchCopy, source } from './support/child.js';

const PATIENCE_MS = 60_000;
const copy = scratchCopy();
const migrations = () => readdirSync(join(copy.folder, 'migrations'));
const before = migrations();
afterAll(() => copy.remove());

/** With nothing in the environment: whatever began would leave its data in `.data/`. */
const command = (name: string, ...args: string[]) =>
  run(source(`commands/${name}.ts`, ...args), { cwd: copy.folder });

function expectNothingDone(): void {
  expect(existsSync(join(copy.folder, '.data'))).toBe(false);
  expect(migrations()).toEqual(before);
}

const COMMANDS = [
  ['admin:create', 'admin-create'],
  ['audit:checkpoint', 'audit-checkpoint'],
  ['audit:retain', 'audit-retain'],
  ['audit:verify', 'audit-verify'],
  ['db:url', 'db-url'],
  ['keys:rotate', 'keys-rotate'],
  ['keys:status', 'keys-status'],
  ['migrate', 'migrate'],
  ['migrate:new', 'migrate-new'],
  ['secrets:create', 'secrets-create'],
] as const;

const WRONG = [['one', 'two'], ['--singing'], ['']];
/** What they do cannot be undone. All read their words in the same way. */
const ALL_WRONG = new Set(['keys-rotate', 'migrate']);

describe.each(COMMANDS)('npm run %s', (script, file) => {
  it(
    'says how it is called, and does nothing',
    async () => {
      const { code, output } = await command(file, '--help');
      expect(output.split(/\n| --/)[0]).toContain(`npm run ${script}`);
      expect(code).toBe(0);
      expectNothingDone();
    },
    PATIENCE_MS,
  );

  it(
    'does nothing when it is told something that it does not know',
    async () => {
      for (const words of WRONG.slice(0, ALL_WRONG.has(file) ? undefined : 1)) {
        const { code, output } = await command(file, ...words);
        expect({ words, code, output }).toMatchObject({
          code: 2,
          output: expect.stringContaining(`npm run ${script}`),
        });
        expectNothingDone();
      }
    },
    PATIENCE_MS,
  );
});

describe('npm run keys:rotate', () => {
  let help: string;
  beforeAll(async () => {
    help = (await command('keys-rotate', '--help')).output;
  }, PATIENCE_MS);

  it('does one thing at a time', async () => {
    const { code, output } = await command('keys-rotate', '--wrap-only', '--signing');
    expect([code, output.trim()]).toEqual([1, 'One at a time: --wrap-only or --signing']);
    expectNothingDone();
  });

  it('says beforehand that it cannot be undone, and how long it takes', () => {
    expect(help).toContain('cannot be undone');
    expect(help).toMatch(/waits\s+2 minutes[^]*10\.5\s+minutes/);
  });
});
