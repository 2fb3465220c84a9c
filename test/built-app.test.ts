import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

// Each test starts whole processes, one after the other.
jest.setTimeout(120_000);

const ROOT = join(import.meta.dirname, '..');
const node = (...args: string[]) =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env: deployment() });

let database: TestDatabase;
let folder: string;
let secrets: string;

/** As an operator sets it: secrets come from files, and nothing from the environment of the tests. */
const deployment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://api.example.com',
  PORT: '0',
  DATABASE_URL: database.urls.app,
  APP_SECRET_FILE: join(secrets, 'app_secret'),
  SIGNING_KEYS_FILE: join(secrets, 'signing_keys'),
});

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'bulwark-built-'));
  secrets = join(folder, 'secrets');
  execFileSync(process.execPath, ['scripts/build.js'], { cwd: ROOT });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

describe('the built app in production', () => {
  it('does not start without its secrets, and says which', () => {
    const { status, stderr } = node('dist/main.js');
    expect(status).toBe(1);
    expect(stderr).toContain('APP_SECRET');
    expect(stderr).toContain('SIGNING_KEYS');
  });

  it('makes its secrets, readable by their owner only, and never over those that are there', () => {
    expect(node('dist/commands/secrets-create.js', secrets).status).toBe(0);
    expect(statSync(join(secrets, 'signing_keys')).mode & 0o777).toBe(0o600);
    expect(node('dist/commands/secrets-create.js', secrets).status).not.toBe(0);
  });

  it('makes an administrator once, with a password that it shows', () => {
    const first = node('dist/commands/admin-create.js', 'Root@Example.com');
    expect(first.stdout).toMatch(/Administrator root@example\.com\nPassword +[\w-]{24}\n/);
    const again = node('dist/commands/admin-create.js', 'root@example.com');
    expect([again.status, again.stdout]).toEqual([1, '']);
    expect(node('dist/commands/admin-create.js', 'nobody').status).toBe(1);
  });

  it('serves, and ends with 0 when it is told to', async () => {
    const app = spawn(process.execPath, ['dist/main.js'], { cwd: ROOT, env: deployment() });
    let output = '';
    app.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    while (!output.includes('Server listening at')) await once(app.stdout, 'data');
    const url = /http:\/\/[\d.:]+/.exec(output)?.[0] ?? '';
    expect((await fetch(`${url}/v1/health/ready`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(404);
    app.kill('SIGTERM');
    expect(await once(app, 'exit')).toEqual([0, null]);
  });
});

describe('migrate', () => {
  it('takes the last step back and does it again, as the owner', () => {
    const env = {
      ...process.env,
      DATABASE_OWNER_URL: database.urls.owner,
      DATABASE_URL: database.urls.app,
    };
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['dist/commands/migrate.js', ...args], {
        cwd: ROOT,
        encoding: 'utf8',
        env,
      });
    expect(run('undo').stdout).toContain('Undone: foundation');
    expect(run().stdout).toContain('Migrations run: foundation');
    expect(run().stdout).toContain('none, the schema is current');
  });
});
