import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { createDevelopmentSecrets } from '../src/config/secrets.js';
import { Child, run, source } from './support/child.js';
import {
  createResource,
  login,
  signUp,
  type Person,
  type ResourceBody,
} from './support/factories.js';
import { addTotp, challengeFor, prove, totpCode } from './support/second-factors.js';
import { addResources } from './support/sealed-rows.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const RESOURCES = 300;

let folder: string;
let file: string;
let app: TestApp;
let ada: Person;
let bob: Person;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulwark-keys-'));
  file = join(folder, 'encryption_keys');
  writeFileSync(file, createDevelopmentSecrets().ENCRYPTION_KEYS, { mode: 0o600 });
  app = await startApp({ env: { ENCRYPTION_KEYS: undefined, ENCRYPTION_KEYS_FILE: file } });
  [ada, bob] = [await signUp(app), await signUp(app)];
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const kids = () =>
  (JSON.parse(readFileSync(file, 'utf8')) as { keys: JWK[] }).keys.map(({ kid }) => kid);
const environment = () => ({
  ...testEnvironment(app.database.urls.app),
  ENCRYPTION_KEYS: undefined,
  ENCRYPTION_KEYS_FILE: file,
});
const rotate = () => new Child(source('commands/keys-rotate.ts'), { env: environment() });
const dataKeys = () =>
  app.database.query<{ id: string; kek: string; retired: boolean }>(
    'SELECT id, kek, retired_at IS NOT NULL AS retired FROM keys.data_keys ORDER BY id',
  );
const keysInUse = async () =>
  (
    await app.database.query<{ key: string }>(
      `SELECT DISTINCT encode(substr(content, 2, 16), 'hex') AS key FROM resources`,
    )
  ).map(({ key }) => key);
/** Nobody waits for the minutes after which no instance seals with an old key any more. */
const passTime = () =>
  app.database.query(
    `UPDATE keys.data_keys SET retired_at = retired_at - interval '10 minutes'
     WHERE retired_at > now() - interval '10 minutes'`,
  );
const letTimePass = (child: Child) => {
  const timer = setInterval(() => void passTime().catch(() => {}), 500);
  return child.exit.finally(() => clearInterval(timer));
};

describe('npm run keys:rotate', () => {
  it('puts new keys in the place of all old ones, can be killed, and fails no request', async () => {
    for (const { id } of [ada, bob])
      await addResources(app.database, id, RESOURCES, 'as it was', app.config);
    const resources = await app.database.query<ResourceBody>(
      `SELECT id, owner_id AS "ownerId", 'as it was' AS content, version FROM resources`,
    );
    const { secret } = await addTotp(app, ada, 'Ada’s phone');
    await app.client().post('/v1/auth/forgot-password', { email: bob.email });
    const before = { kids: kids(), keys: await dataKeys() };

    // Requests go on all the time.
    const failures: string[] = [];
    const state = { requests: 0, writes: true, over: false };
    const traffic = async () => {
      while (!state.over) {
        const resource = resources[state.requests % resources.length] as ResourceBody;
        const { client } = resource.ownerId === ada.id ? ada : bob;
        const answer =
          state.writes && state.requests % 5 === 0
            ? await client.patch<ResourceBody>(
                `/v1/resources/${resource.id}`,
                { content: `changed ${state.requests}` },
                { 'if-match': `"${resource.version}"` },
              )
            : await client.get<ResourceBody>(`/v1/resources/${resource.id}`);
        state.requests += 1;
        if (answer.status === 200) Object.assign(resource, answer.body);
        // Beyond his budget of a minute.
        else if (answer.status !== 429) failures.push(`${answer.status} ${answer.text}`);
      }
    };
    const busy = traffic();

    const killed = rotate();
    await killed.printed(/(wraps from now on)/);
    await killed.printed(/(waits 2 minutes)/);
    await until(async () => (await dataKeys()).some(({ retired }) => retired), 'it has begun');
    killed.kill('SIGKILL');
    await killed.exit;
    expect(kids()).toHaveLength(2);

    const resumed = rotate();
    await resumed.printed(/( of )/);
    // The minutes that pass next are none for the app in memory: it would go on sealing with the old key.
    state.writes = false;
    expect([await letTimePass(resumed), resumed.output]).toEqual([
      0,
      expect.stringContaining('Done'),
    ]);
    state.over = true;
    await busy;
    expect([state.requests > 20, failures]).toEqual([true, []]);

    const after = await dataKeys();
    expect(kids()).toHaveLength(1);
    expect(kids()).not.toEqual(before.kids);
    expect(after).toHaveLength(before.keys.length);
    expect(new Set(after.map(({ kek }) => kek))).toEqual(new Set(kids()));
    const old = new Set(before.keys.map(({ id }) => id));
    expect(after.filter(({ id, retired }) => retired || old.has(id))).toEqual([]);
    const ids = new Set(after.map(({ id }) => id.replaceAll('-', '')));
    expect((await keysInUse()).filter((key) => !ids.has(key))).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    // Another instance, with nothing in memory and the new key alone.
    const other = await startApp({ database: app.database, env: environment() });
    try {
      const client = other.client().withToken(ada.tokens.accessToken);
      for (const resource of resources.filter(({ ownerId }) => ownerId === ada.id).slice(0, 20)) {
        const { body } = await client.get<ResourceBody>(`/v1/resources/${resource.id}`);
        expect(body.content).toBe(resource.content);
      }
      const challenge = await challengeFor(other, ada);
      expect((await prove(other.client(), challenge, totpCode(secret, 1))).status).toBe(200);
      await login(other.client(), bob.email, bob.password);
    } finally {
      await other.close();
    }
  }, 120_000);

  it('asks the operator, where the keys are in the environment', async () => {
    const env = { ...environment(), ENCRYPTION_KEYS_FILE: undefined };
    const set = readFileSync(file, 'utf8');
    const { code, output } = await run(source('commands/keys-rotate.ts'), {
      env: { ...env, ENCRYPTION_KEYS: set },
    });
    expect(code).toBe(0);
    const printed = JSON.parse(/^(\{.*\})$/m.exec(output)?.[1] ?? '') as { keys: JWK[] };
    expect(printed.keys.slice(1)).toEqual((JSON.parse(set) as { keys: JWK[] }).keys);
    expect((await dataKeys()).every(({ retired }) => !retired)).toBe(true);
  }, 60_000);

  it('keeps the key of a value that does not open, and says so', async () => {
    const { id } = await createResource(ada);
    await app.database.query(
      `UPDATE resources SET content = overlay(content PLACING '\\x0000'::bytea FROM 46) WHERE id = $1`,
      [id],
    );
    const child = rotate();
    expect(await letTimePass(child)).toBe(1);
    expect(child.output).toContain('1 rows do not open');
    expect(kids()).toHaveLength(2);
    expect((await dataKeys()).filter(({ retired }) => retired)).toHaveLength(1);
    expect((await bob.client.get('/v1/users/me')).status).toBe(200);
  }, 60_000);
});

describe('npm run keys:status', () => {
  it('tells what is wrapped by which key, and shows none', async () => {
    const { code, output } = await run(source('commands/keys-status.ts'), { env: environment() });
    const [kid] = kids();
    const { length } = await dataKeys();
    expect([code, output]).toEqual([0, `${kid}: wraps; ${length} data keys, 0 of them retired\n`]);
  }, 60_000);
});
