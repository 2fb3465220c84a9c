import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../src/config/environment.js';

const ROOT = join(import.meta.dirname, '..');
const LIVE = '/v1/health/live';
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

export interface Server {
  url: string;
  stop: () => Promise<void>;
}

interface Program {
  args: string[];
  port: number;
  env?: Environment;
}

/** Starts a node program and waits for its first answer. Its log is written, and thrown away. */
export async function startServer({ args, port, env = {} }: Program): Promise<Server> {
  const log = openSync(devNull, 'w');
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, 'inherit'],
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(child, url + LIVE);
  return { url, stop: () => stop(child) };
}

async function firstAnswer(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`a server ended with code ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(POLL_MS);
  }
  child.kill();
  throw new Error('a server did not answer in time');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
