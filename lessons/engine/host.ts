import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../../src/config/environment.js';
import { compiledSources } from './compiled.js';

export const ROOT = join(import.meta.dirname, '../..');
const LISTENING = /Server listening at (https?:\/\/[\d.]+:\d+)/;
const START_MS = 120_000;
const STOP_MS = 5_000;
/** A copy of the sources stays in memory for each run. */
const MAX_RUNS = 40;

/** The app did not start. Whether that is an error or the control at work, the caller judges. */
export class RefusedToStart extends Error {}

const idle: Host[] = [];

/** A process that runs the app of a folder as host.js does: one instance after the other. */
export class Host {
  /** What the present instance has said so far. */
  out = '';
  private err = '';
  private loaded = false;
  private changed: string[] = [];
  private runs = 0;
  private lastWords = '';
  private closed = false;
  private wake = () => {};
  private readonly child: ChildProcess;

  static take(root: string): Host {
    const index = idle.findIndex((host) => host.root === root && !host.closed);
    return idle.splice(index, index < 0 ? 0 : 1)[0] ?? new Host(root);
  }

  /** For the end of a command: they would keep it from ending. */
  static endIdle(): void {
    for (const { child } of idle.splice(0)) child.disconnect();
  }

  private constructor(private readonly root: string) {
    const script = (name: string) => join(root, 'lessons/engine', name);
    this.child = spawn(
      process.execPath,
      // V8's helpers would take the cores from the other hosts.
      ['--v8-pool-size=1', '--import', script('removal-hook.js'), script('host.js')],
      {
        cwd: root,
        env: {
          PATH: process.env['PATH'],
          ...(root === ROOT && { LESSON_COMPILED: compiledSources(root) }),
          // Every host loads the same libraries.
          NODE_COMPILE_CACHE: join(tmpdir(), 'bulwark-lessons'),
        },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    this.on(this.child.stdout, 'data', (chunk) => (this.out += String(chunk)));
    this.on(this.child.stderr, 'data', (chunk) => (this.err += String(chunk)));
    this.on(this.child, 'message', (message) => this.hear(message as 'loaded' | Changed));
    this.on(this.child, 'close', () => (this.closed = true));
  }

  /** Starts an instance; answers its URL and the files that were changed for it. */
  async start(env: Environment): Promise<{ url: string; changed: string[] }> {
    Object.assign(this, { out: '', err: '', loaded: false, changed: [] });
    this.lastWords = `the end of ${randomUUID()}\n`;
    this.runs += 1;
    this.child.send({ env, lastWords: this.lastWords });
    const url = await this.until(START_MS, () => this.loaded && LISTENING.exec(this.out)?.[1]);
    if (!url) throw new RefusedToStart(this.err);
    return { url, changed: this.changed };
  }

  /** Stops the instance. What has not ended by then is not used again. */
  async stop(): Promise<void> {
    if (this.closed) return;
    this.child.send('stop');
    const ended = await this.until(STOP_MS, () => this.out.includes(this.lastWords));
    if (!ended) return;
    if (this.runs < MAX_RUNS) idle.push(this);
    else this.child.disconnect();
  }

  private hear(message: 'loaded' | Changed): void {
    if (message === 'loaded') this.loaded = true;
    else this.changed.push(message.changed);
  }

  /** Undefined when the process has ended, or has been ended after so many milliseconds. */
  private async until<T>(milliseconds: number, seen: () => T | false | undefined) {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), milliseconds);
    try {
      for (;;) {
        const found = seen();
        if (found || this.closed) return found || undefined;
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private on(from: NodeJS.EventEmitter | null, event: string, act: (value: unknown) => void): void {
    from?.on(event, (value) => {
      act(value);
      this.wake();
    });
  }
}

interface Changed {
  changed: string;
}
