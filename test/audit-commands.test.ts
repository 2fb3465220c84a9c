import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compactVerify, importJWK } from 'jose';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealed, writeAt } from './support/audit.js';
import { productionEnvironment, run, source } from './support/child.js';
import { signUp } from './support/factories.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';

const PATIENCE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'bulwark-audit-'));
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await signUp(app);
  await sealed(app);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await app.close();
});

const command = (name: string, args: string[] = [], env = {}) =>
  run(source(`commands/${name}.ts`, ...args), {
    env: { ...testEnvironment(app.database.urls.app), ...env },
  });

/** Without the address of the database. */
const productionMode = (url: string) => ({
  ...productionEnvironment(url),
  DATABASE_URL: undefined,
});

describe('the commands of the audit log', () => {
  it(
    'verify it, say where it is broken, and draw nothing into a pipe',
    async () => {
      const whole = await command('audit-verify');
      expect(whole.output).toMatch(
        /^The audit log is whole: \d+ events, links 1 to \d+\.\nIt was compared with no checkpoint: /,
      );
      expect(whole.code).toBe(0);
      await writeAt(app, new Date(Date.now() - 2 * 3_600_000));
      await sealed(app);
      const late = await command('audit-verify');
      expect(late.output).toMatch(
        /is whole: .*\n1 links, the first at \d+, were made more than 60 min/,
      );
      expect(late.code).toBe(0);

      const [statement, key] = [
        await command('audit-checkpoint'),
        await command('audit-checkpoint', ['--key']),
      ];
      // Whoever has nothing but the public key can tell that it is ours.
      const publicKey = await importJWK(JSON.parse(key.output), 'EdDSA');
      const { payload } = await compactVerify(statement.output.trim(), publicKey);
      expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
        seq: expect.any(Number),
      });

      const file = join(folder, 'log.jsonl');
      writeFileSync(
        file,
        `{"event":"sys_audit_checkpoint","statement":"${statement.output.trim()}"}`,
      );
      const compared = await command('audit-verify', ['--checkpoint', file]);
      expect([compared.code, compared.output]).toEqual([
        0,
        expect.not.stringContaining('compared'),
      ]);
      await app.database.query(
        'TRUNCATE audit_events, audit_chain, audit_unsealed, audit_checkpoints',
      );
      const cut = await command('audit-verify', ['--checkpoint', file]);
      expect(cut.output).toMatch(/^The audit log is not what the app wrote: cut off at 1: .*\.\n$/);
      expect(cut.code).toBe(1);
      // Nobody can tell without one.
      expect((await command('audit-verify')).output).toMatch(/is whole: empty\.\n.*would not show/);
      writeFileSync(file, 'no checkpoint');
      expect(await command('audit-verify', ['--checkpoint', file])).toEqual({
        code: 1,
        output: `There is no checkpoint in ${file}\n`,
      });
    },
    PATIENCE_MS,
  );

  it(
    'drop what is old as the owner, and nobody else',
    async () => {
      const owner = { DATABASE_OWNER_URL: app.database.urls.owner };
      const done = await command('audit-retain', ['--months', '1'], owner);
      expect(done.output).toMatch(/^Dropped 0 events from before \d{4}-\d\d-01\.\n$/);
      expect(done.code).toBe(0);
      const without = await command('audit-retain');
      expect([without.code, without.output]).toEqual([
        1,
        'Set DATABASE_OWNER_URL to the same database as its owner\n',
      ]);
      // As orchestrators mount it: also then it is another database than that of development.
      const file = join(folder, 'database_url');
      writeFileSync(file, app.database.urls.app);
      const mounted = { DATABASE_URL: undefined, DATABASE_URL_FILE: file };
      for (const mode of [{}, productionMode(app.database.urls.app)])
        expect(await command('audit-retain', [], { ...mode, ...mounted })).toEqual(without);
      expect(without.output).toContain('Set DATABASE_OWNER_URL');
      const none = await command('audit-retain', ['--months', '0'], owner);
      expect([none.code, none.output]).toEqual([1, expect.stringContaining('--months 13')]);
      const far = { DATABASE_OWNER_URL: 'postgres://owner:secret@db.example.com/bulwark' };
      const bare = await command('audit-retain', [], { ...productionMode(''), ...mounted, ...far });
      expect([bare.code, bare.output]).toEqual([1, expect.stringContaining('without TLS')]);
    },
    PATIENCE_MS,
  );
});
