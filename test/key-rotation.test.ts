import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { createDevelopmentSecrets, createEncryptionJwk } from '../src/config/secrets.js';
import { keyEvents } from './support/audit.js';
import { Child, run, source } from './support/child.js';
import { dump, restore } from './support/dump.js';
import {
  createResource,
  login,
  signUp,
  type Person,
  type ResourceBody,
} from './support/factories.js';
import { addTotp, challengeFor, prove, totpCode } from './support/second-factors.js';
import { addResources } from './support/sealed-rows.js';
import { spawnApp } from './support/spawned-app.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';
import { createTestDatabase } from './support/test-database.js';
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
const fileEnvironment = () => ({ ENCRYPTION_KEYS: undefined, ENCRYPTION_KEYS_FILE: file });
const environment = () => ({ ...testEnvironment(app.database.urls.app), ...fileEnvironment() });
const rotate = (...args: string[]) =>
  new Child(source('commands/keys-rotate.ts', ...args), { env: environment() });
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
const damageEvents = async () =>
  (
    await app.database.query<{ facts: object }>(
      `SELECT facts FROM audit_events WHERE event = 'data_integrity_fail' ORDER BY recorded_at`,
    )
  ).map(({ facts }) => facts);
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
    const [oldKid, newKid] = [before.kids[0], kids()[0]];
    const told = await keyEvents(app);
    const of = (kind: string) => told.filter(({ facts }) => facts.kind === kind);
    expect(of('encryption')).toEqual([
      { event: 'crypto_key_added', facts: { kind: 'encryption', key: newKid } },
      { event: 'crypto_key_retired', facts: { kind: 'encryption', key: oldKid } },
      { event: 'crypto_key_deleted', facts: { kind: 'encryption', key: oldKid } },
    ]);
    for (const event of ['crypto_key_added', 'crypto_key_retired', 'crypto_key_deleted']) {
      const counts = of('data').filter((row) => row.event === event);
      expect([event, counts.reduce((sum, { facts }) => sum + facts.keys, 0)]).toEqual([
        event,
        before.keys.length,
      ]);
    }

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

  it('changes no key of which it cannot be told', async () => {
    const before = { kids: kids(), keys: await dataKeys() };
    await app.database.query('REVOKE INSERT ON audit_events FROM bulwark_app');
    expect(await rotate().exit).toBe(1);
    expect({ kids: kids(), keys: await dataKeys() }).toEqual(before);
    // The file is changed; now the database.
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: JWK[] };
    writeFileSync(file, JSON.stringify({ keys: [createEncryptionJwk(), ...keys] }));
    expect(await rotate().exit).toBe(1);
    expect(await dataKeys()).toEqual(before.keys);
  }, 60_000);

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
    expect(child.output).toContain('0 data keys and 1 rows do not open');
    expect(child.output).toContain(`resources.content in row ${id}`);
    expect(await damageEvents()).toEqual([{ table: 'resources', column: 'content', row: id }]);
    expect(kids()).toHaveLength(2);
    expect((await dataKeys()).filter(({ retired }) => retired)).toHaveLength(1);
    expect((await bob.client.get('/v1/users/me')).status).toBe(200);
  }, 60_000);

  it('goes on where a data key is damaged, names it, and is complete once that is mended', async () => {
    const [hers, his] = [await createResource(ada), await createResource(bob)];
    const [key] = await app.database.query<{ id: string; wrapped: Buffer }>(
      'SELECT id, wrapped FROM keys.data_keys WHERE owner_id = $1',
      [ada.id],
    );
    const change = (wrapped: Buffer) =>
      app.database.query('UPDATE keys.data_keys SET wrapped = $2 WHERE id = $1', [
        key?.id,
        wrapped,
      ]);
    const good = key?.wrapped ?? Buffer.of();
    await change(Buffer.from(good.map((byte, at) => (at === 40 ? byte ^ 1 : byte))));
    const before = await keysInUse();
    const child = rotate();
    expect(await letTimePass(child)).toBe(1);
    expect(child.output).toContain('1 data keys and 2 rows do not open');
    for (const name of [
      `data key ${key?.id} of ${ada.id}`,
      `users.email in row ${ada.id}`,
      `resources.content in row ${hers.id}`,
    ])
      expect(child.output).toContain(name);
    expect(child.output).not.toContain(bob.id);
    expect(await damageEvents()).toContainEqual({
      table: 'keys.data_keys',
      column: 'wrapped',
      row: key?.id,
    });
    expect(kids()).toHaveLength(2);
    const damaged = (await dataKeys()).filter(({ kek }) => kek !== kids()[0]);
    expect(damaged).toEqual([{ id: key?.id, kek: kids()[1], retired: true }]);
    expect((await keysInUse()).filter((id) => before.includes(id))).toHaveLength(1);

    await change(good);
    expect(await letTimePass(rotate())).toBe(0);
    expect([kids().length, (await dataKeys()).some(({ retired }) => retired)]).toEqual([1, false]);
    const other = await startApp({ database: app.database, env: environment() });
    for (const [person, resource] of [
      [ada, hers],
      [bob, his],
    ] as const) {
      const client = other.client().withToken(person.tokens.accessToken);
      expect((await client.get(`/v1/resources/${resource.id}`)).body).toEqual(resource);
    }
    await other.close();
  }, 120_000);
});

describe('a backup of the data from before a rotation', () => {
  const isKeys = (table: string) => table.startsWith('keys.');
  const backUp = async () => ({
    data: await dump(app.database, (table) => !isKeys(table)),
    keys: await dump(app.database, isKeys),
    set: readFileSync(file, 'utf8'),
  });
  type Backup = Awaited<ReturnType<typeof backUp>>;

  /** How an app answers for the resource that stands on these. */
  async function statusAfter({ data }: Backup, { keys, set }: Backup, id: string) {
    const database = await createTestDatabase();
    await restore(database, [...data, ...keys]);
    const restored = await startApp({ database, env: { ENCRYPTION_KEYS: set } });
    try {
      return (await restored.client().withToken(ada.tokens.accessToken).get(`/v1/resources/${id}`))
        .status;
    } finally {
      await restored.close();
      await database.drop();
    }
  }

  it('opens with the keys of its own time alone', async () => {
    const { id } = await createResource(ada);
    const before = await backUp();
    const child = rotate();
    expect(await letTimePass(child)).toBe(0);
    expect(child.output).toContain('Take a backup of both parts now');
    const after = await backUp();
    expect(await statusAfter(before, after, id)).toBe(500);
    expect(await statusAfter(before, before, id)).toBe(200);
    expect(await statusAfter(after, after, id)).toBe(200);
  }, 120_000);

  it('opens with the keys of afterwards, too, where --wrap-only left the data keys', async () => {
    const { id } = await createResource(ada);
    const before = await backUp();
    const child = rotate('--wrap-only');
    expect(await child.exit).toBe(0);
    expect(child.output).toContain('Take a backup of the keys now');
    const after = await backUp();
    expect(kids()).toHaveLength(1);
    expect(after.set).not.toBe(before.set);
    expect(await statusAfter(before, after, id)).toBe(200);
    expect(await statusAfter(before, { ...before, set: after.set }, id)).toBe(500);
    expect((await ada.client.get(`/v1/resources/${id}`)).status).toBe(200);
  }, 120_000);

  it('is not mixed: --wrap-only waits until a whole rotation that was begun is over', async () => {
    const begun = rotate();
    await begun.printed(/(wraps from now on)/);
    await until(async () => (await dataKeys()).some(({ retired }) => retired), 'it has begun');
    begun.kill('SIGKILL');
    await begun.exit;
    const before = await dataKeys();
    const child = rotate('--wrap-only');
    expect([await child.exit, child.output]).toEqual([1, expect.stringContaining('has begun')]);
    expect(await dataKeys()).toEqual(before);
  }, 60_000);
});

describe('a data key whose key-encryption key is nowhere', () => {
  it('has the file read once a second at the most, and nothing told where it is the same', async () => {
    const other = await spawnApp({
      env: { DATABASE_URL: app.database.urls.app, ...fileEnvironment() },
    });
    try {
      await app.database.query(`UPDATE keys.data_keys SET kek = 'gone' WHERE owner_id = $1`, [
        ada.id,
      ]);
      const ask = () => other.client().withToken(ada.tokens.accessToken).get('/v1/users/me');
      const askOften = async () => {
        const before = performance.now();
        for (let n = 0; n < 20; n += 1) expect((await ask()).status).toBe(500);
        return Math.ceil((performance.now() - before) / 1_000);
      };
      await askOften();
      const told = (text: string) => other.logs().filter(({ msg }) => msg.startsWith(text)).length;
      expect(told('encryption keys are now')).toBe(0);
      writeFileSync(file, 'half a fi');
      const seconds = await askOften();
      // Once by the watch on the file, too.
      expect(told('encryption keys stay as they are')).toBeLessThanOrEqual(seconds + 1);
      await until(() => told('data key') === 40, 'each is told');
    } finally {
      await other.close();
    }
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
