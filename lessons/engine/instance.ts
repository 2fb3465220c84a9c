import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withClient } from '../../src/database/provision.js';
import { testEnvironment } from '../../test/support/test-app.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.js';
import { compiledSources } from './compiled.js';
import type { Change, Edit } from './lesson.js';

const ROOT = join(import.meta.dirname, '../..');
const LISTENING = /Server listening at (http:\/\/[\d.]+:\d+)/;
const START_MS = 120_000;
const STOP_MS = 5_000;

/** The app did not start. Whether that is an error or the control at work, the caller judges. */
export class RefusedToStart extends Error {}

/** A running app with a database of its own, changed as it was loaded. */
export interface Instance {
  url: string;
  database: TestDatabase;
  /** What it has logged so far, one JSON line each. */
  log: () => string;
  stop: () => Promise<void>;
}

/** Starts the app with changes. Throws RefusedToStart, and when an edit was not applied. */
export async function startInstance(changes: Change[], root = ROOT): Promise<Instance> {
  const database = await createTestDatabase();
  try {
    for (const { sql } of changes) {
      if (sql) await withClient(database.urls.owner, (owner) => owner.query(sql));
    }
    const child = launch(changes, database, root);
    return { ...(await child), database, stop: async () => stop((await child).child, database) };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

async function launch(changes: Change[], database: TestDatabase, root: string) {
  const edits = changes.flatMap((change) => change.edits ?? []);
  const env = Object.assign({}, ...changes.map((change) => change.env ?? {}));
  const child = spawn(
    process.execPath,
    ['--import', join(root, 'lessons/engine/removal-hook.js'), join(root, 'src/main.ts')],
    {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        ...testEnvironment(database.urls.app),
        LOG_LEVEL: 'info',
        ...env,
        LESSON_EDITS: JSON.stringify(edits),
        ...(root === ROOT && { LESSON_COMPILED: compiledSources(root) }),
        // Hundreds of instances load the same libraries.
        NODE_COMPILE_CACHE: join(tmpdir(), 'bulwark-lessons'),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const changed = new Set<string>();
  child.on('message', (message: { changed: string }) => changed.add(message.changed));
  const output = collect(child);
  const url = await listening(child, output);
  await mustBeChanged(child, edits, changed);
  return { url, child, log: () => output.out };
}

function collect(child: ChildProcess) {
  const output = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  return output;
}

async function listening(child: ChildProcess, output: { out: string; err: string }) {
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    for (;;) {
      const url = LISTENING.exec(output.out)?.[1];
      if (url) return url;
      if (child.exitCode !== null || child.signalCode !== null)
        throw new RefusedToStart(output.err);
      const exited = once(child, 'close');
      await Promise.race([exited, child.stdout ? once(child.stdout, 'data') : exited]);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** An edit in a file that nobody loads would prove nothing. */
async function mustBeChanged(child: ChildProcess, edits: Edit[], changed: Set<string>) {
  const missing = edits.filter(({ file }) => !changed.has(file));
  if (missing.length === 0) return;
  child.kill('SIGKILL');
  throw new Error(
    `not applied, the file was not loaded: ${missing.map(({ file }) => file).join()}`,
  );
}

async function stop(child: ChildProcess, database: TestDatabase): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  }
  await database.drop();
}
