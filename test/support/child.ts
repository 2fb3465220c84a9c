import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../src/config/environment.js';
import { createAppSecret, createSigningJwk } from '../../src/config/secrets.js';
import { testEnvironment } from './test-app.js';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

interface Surroundings {
  cwd?: string;
  env?: Environment;
}

/** A node process of the project's, with nothing in its environment but what the test names. */
export class Child {
  output = '';
  /** What of it was standard error. */
  errors = '';
  /** The exit code, or null after a signal that nobody handled. */
  readonly exit: Promise<number | null>;
  private readonly process: ChildProcess;

  constructor(args: string[], { cwd = ROOT, env = {} }: Surroundings = {}) {
    this.process = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.exit = once(this.process, 'close').then(([code]) => code as number | null);
  }

  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.process.kill(signal);
  }

  /** The first group of the pattern, once the output has it. */
  async printed(pattern: RegExp): Promise<string> {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      const found = pattern.exec(this.output)?.[1];
      if (found) return found;
      await sleep(POLL_MS);
    }
    throw new Error(`It did not print ${pattern}, but:\n${this.output}`);
  }
}

/** The arguments that run a file of src/ as it stands. */
export const source = (file: string, ...args: string[]) => [
  '--import',
  './scripts/typescript.js',
  `src/${file}`,
  ...args,
];

export async function run(args: string[], surroundings?: Surroundings) {
  const child = new Child(args, surroundings);
  const code = await child.exit;
  return { code, output: child.output };
}

/** A copy of the project to build, to add to and to keep data in, away from the reader's own. */
export function scratchCopy(more: string[] = []): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-copy-'));
  for (const part of ['src', 'migrations', 'scripts', 'package.json', '.swcrc', ...more])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What an operator sets in production; the proxy's hop is where the test client stands. */
export const productionEnvironment = (databaseUrl: string): Environment => ({
  NODE_ENV: 'production',
  PORT: '0',
  PUBLIC_URL: 'https://api.example.org',
  TRUSTED_PROXY_HOPS: '1',
  DATABASE_URL: databaseUrl,
  // Nobody listens there: mails wait.
  SMTP_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'no-reply@example.org',
  APP_SECRET: createAppSecret(),
  SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }),
  // As the test's own: it reads the mails that wait, and instances share what one of them sealed.
  ENCRYPTION_KEYS: testEnvironment(databaseUrl)['ENCRYPTION_KEYS'],
});

/** The address of the app in this process, once it says that it is ready. */
export async function servedBy(child: Child): Promise<string> {
  const url = await child.printed(/Server listening at (http:[^"]+)/);
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const answer = await fetch(`${url}/v1/health/ready`).catch(() => null);
    if (answer?.status === 200) return url;
    await sleep(POLL_MS);
  }
  throw new Error(`Nothing was ready at ${url}:\n${child.output}`);
}
