import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader, type JWK } from 'jose';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordsKeys } from '../src/commands/rotation.js';
import { rotateSigningKeys } from '../src/commands/rotate-signing-keys.js';
import { createSigningJwk } from '../src/config/secrets.js';
import { keyEvents } from './support/audit.js';
import { signInAgain } from './support/auth.js';
import { signUp } from './support/factories.js';
import { startApp, testEnvironment } from './support/test-app.js';

/** Instances look at the file every two seconds. Tokens are asked for and used at once. */
const WAITS = { known: 5_000, expired: 5_000 };
/** Within the budget of one person. */
const PACE_MS = 50;
const AT_ONCE = { known: 0, expired: 0 };
/** Where there is no database. */
const SILENT = { say: () => {}, record: () => Promise.resolve() };

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulwark-keys-'));
  file = join(folder, 'signing_keys');
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (...keys: object[]) => writeFileSync(file, JSON.stringify({ keys }));
const kids = () =>
  (JSON.parse(readFileSync(file, 'utf8')) as { keys: { kid: string }[] }).keys.map(
    ({ kid }) => kid,
  );
const env = () => ({ SIGNING_KEYS: undefined, SIGNING_KEYS_FILE: file });

describe('npm run keys:rotate -- --signing', () => {
  it('puts a new key in the place of the old one, and no sign-in and no request fails meanwhile', async () => {
    const first = createSigningJwk();
    write(first);
    const app = await startApp({ env: env() });
    const person = await signUp(app);
    const state = { over: false };
    const seen = new Set<string>();
    const failures: number[] = [];
    const traffic = async () => {
      while (!state.over) {
        const { client, tokens } = await signInAgain(app, person);
        seen.add(String(decodeProtectedHeader(tokens.accessToken).kid));
        const { status } = await client.get('/v1/users/me');
        if (status !== 200) failures.push(status);
        await sleep(PACE_MS);
      }
    };
    const busy = traffic();
    const said: string[] = [];
    const environment = { ...testEnvironment(app.database.urls.app), ...env() };
    const tools = { say: (text: string) => said.push(text), record: recordsKeys(environment) };
    await rotateSigningKeys(environment, tools, WAITS);
    state.over = true;
    await busy;
    const told = await keyEvents(app);
    await app.close();
    const [added, ...others] = kids();
    expect([others, said.at(-1)]).toEqual([[], `Done: ${added}`]);
    expect([...seen]).toEqual([first['kid'], added]);
    expect(failures).toEqual([]);
    expect(told).toEqual([
      { event: 'crypto_key_added', facts: { kind: 'signing', key: added } },
      { event: 'crypto_key_retired', facts: { kind: 'signing', key: first['kid'] } },
      { event: 'crypto_key_deleted', facts: { kind: 'signing', key: first['kid'] } },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }, 60_000);

  it('changes no key of which it cannot be told', async () => {
    write(createSigningJwk());
    const before = kids();
    const record = () => Promise.reject(new Error('no log'));
    await expect(rotateSigningKeys(env(), { ...SILENT, record }, AT_ONCE)).rejects.toThrow(
      'no log',
    );
    expect(kids()).toEqual(before);
  });

  it.each([
    ['before the new key signs', (old: object, added: object) => [old, added]],
    ['while the old one still verifies', (old: object, added: object) => [added, old]],
  ])('goes on where it was killed: %s', async (_when, order) => {
    const [old, added] = [
      createSigningJwk(),
      { ...(createSigningJwk() as JWK), iat: 1_700_000_000 },
    ];
    write(...order(old, added));
    await rotateSigningKeys(env(), SILENT, AT_ONCE);
    expect(kids()).toEqual([added.kid]);
  });

  it('drops neither of two keys whose age nobody knows', async () => {
    write(createSigningJwk(), createSigningJwk());
    const before = kids();
    await expect(rotateSigningKeys(env(), SILENT, AT_ONCE)).rejects.toThrow(/drop the old one/);
    expect(kids()).toEqual(before);
  });

  it('says so when there is no file that instances would read again', async () => {
    const keys = { SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }) };
    await expect(rotateSigningKeys(keys, SILENT, AT_ONCE)).rejects.toThrow(/SIGNING_KEYS_FILE/);
    await expect(rotateSigningKeys({}, SILENT, AT_ONCE)).rejects.toThrow(/is missing: set/);
  });
});
