import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startApp, type TestApp } from './support/test-app.js';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** A step of the tour, and the answer that the README promises below it. */
const STEP = /```sh tour\n([^]*?)```\n+```text\n([^]*?)```/g;
const MARK = '--- next step';

let app: TestApp;

// The tour has no proxy in front of it: its addresses are the socket's. Its mails are where a developer finds them.
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXY_HOPS: '0', SMTP_URL: undefined } });
});
afterAll(() => app.close());

function runInBash(script: string): Promise<string> {
  const env = { ...process.env, API: app.url };
  const bash = spawn('bash', ['-c', script], { cwd: ROOT, env });
  let output = '';
  bash.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  bash.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => bash.on('close', () => resolve(output)));
}

describe('README.md', () => {
  it('takes a tour that answers what it promises', async () => {
    const steps = [...README.matchAll(STEP)].map(([, script = '', promise = '']) => ({
      script,
      promise,
    }));
    expect(steps).toHaveLength(README.match(/```sh tour/g)?.length ?? 0);
    const output = await runInBash(steps.map(({ script }) => script).join(`\necho '${MARK}'\n`));
    expect(output.split(`${MARK}\n`)).toEqual(steps.map(({ promise }) => promise));
  });

  it('names only scripts that exist, and all of them', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const texts = ['README.md', 'CONTRIBUTING.md'].map((file) =>
      readFileSync(join(ROOT, file), 'utf8'),
    );
    const named = texts.flatMap((text) =>
      [...text.matchAll(/npm (?:run ([a-z]+(?::[a-z]+)?)|(start|test))\b/g)].map(
        ([, run, own]) => run ?? own,
      ),
    );
    const known = new Set(Object.keys(scripts));
    expect(named.filter((name) => !known.has(name ?? ''))).toEqual([]);
    expect(Object.keys(scripts).filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe('links in the documentation', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'lessons/**/*.md'], { cwd: ROOT });

  it.each(pages)('lead somewhere in %s', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      ([, target = '']) => target,
    );
    const broken = targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)));
    expect(broken).toEqual([]);
  });
});
