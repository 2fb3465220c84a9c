import { execFileSync } from 'node:child_process';
import { freePort, startServer } from './servers.js';

const RUNS = 3;

/** Seconds of the two parts of `npm start`, where the data folder is already there. */
export async function timeStart(): Promise<{ build: number; server: number }> {
  // Also makes the folder where there is none yet.
  await serveOnce();
  const builds: number[] = [];
  const starts: number[] = [];
  for (let n = 0; n < RUNS; n += 1) {
    builds.push(buildOnce());
    starts.push(await serveOnce());
  }
  return { build: middle(builds), server: middle(starts) };
}

function buildOnce(): number {
  const begin = performance.now();
  execFileSync(process.execPath, ['scripts/build.js']);
  return secondsSince(begin);
}

async function serveOnce(): Promise<number> {
  const port = await freePort();
  const begin = performance.now();
  const args = ['--enable-source-maps', 'dist/main.js'];
  const server = await startServer({ args, port, env: { ...DEVELOPMENT, PORT: `${port}` } });
  const taken = secondsSince(begin);
  await server.stop();
  return taken;
}

/** As on a bare machine: no database and no secret is given. */
const DEVELOPMENT = { NODE_ENV: 'development', DATABASE_URL: undefined };

const secondsSince = (begin: number) => (performance.now() - begin) / 1_000;
const middle = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
