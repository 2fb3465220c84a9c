import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../src/config/environment.js';
import { Client } from './client.js';
import { searchAndDrop } from './overheard.js';
import { testEnvironment } from './test-app.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

const ROOT = join(import.meta.dirname, '../..');
/** The sources are compiled as they load, on a machine that runs other tests meanwhile. */
export const PATIENCE_MS = 60_000;
const POLL_MS = 20;

export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

/** The app in a process of its own, as an operator runs it: its output is what gets logged. */
export interface SpawnedApp {
  url: string;
  database: TestDatabase;
  client: () => Client;
  /** All that the process has written, and its log lines among it. */
  output: () => string;
  logs: () => LogLine[];
  /** The first log line like this, of those to come too. */
  logged: (isWanted: (line: LogLine) => boolean) => Promise<LogLine>;
  /** Once more does nothing. The output stays. */
  stop: () => Promise<void>;
  close: () => Promise<void>;
}

interface Options {
  env?: Environment;
  /** Another program than the app's own main. */
  entry?: string;
}

export async function spawnApp({ env, entry = 'src/main.ts' }: Options = {}): Promise<SpawnedApp> {
  const database = await createTestDatabase();
  const environment = { ...testEnvironment(database.urls.app), LOG_LEVEL: 'info', ...env };
  const { lines, stop } = run(entry, environment);
  const logs = () => lines.filter((line) => line.startsWith('{')).map(parse);
  const logged = async (isWanted: (line: LogLine) => boolean) => {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      const found = logs().find(isWanted);
      if (found) return found;
      await sleep(POLL_MS);
    }
    throw new Error(`The log line did not come. The output was:\n${lines.join('\n')}`);
  };
  const close = () => stop().then(() => searchAndDrop(database));
  const started = logged((line) => line.msg.startsWith('Server listening at'));
  const { msg } = await started.catch((error: unknown) =>
    close().then(() => Promise.reject(error)),
  );
  const url = msg.slice(msg.indexOf('http'));
  return {
    url,
    database,
    client: () => new Client(url),
    output: () => lines.join('\n'),
    logs,
    logged,
    stop,
    close,
  };
}

function run(entry: string, env: Environment) {
  const child = spawn(process.execPath, ['--import', './scripts/typescript.js', entry], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { lines, stop };
}

const parse = (line: string) => JSON.parse(line) as LogLine;
