import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSigningJwk } from '../src/config/secrets.js';
import { expectProblem } from './support/answers.js';
import { refresh, signInAgain, statusFor } from './support/auth.js';
import { signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

/** The file is looked at every two seconds. */
const NOTICED_MS = 15_000;
const LOOKED_TWICE_MS = 5_000;
type Jwk = ReturnType<typeof createSigningJwk>;
const [first, second, third] = [createSigningJwk(), createSigningJwk(), createSigningJwk()];
let folder: string;
let app: TestApp;

const write = (...keys: Jwk[]) => writeFile(join(folder, 'keys.json'), JSON.stringify({ keys }));
const nameOf = ({ kid, x }: Jwk) => `${String(kid)} ${x}`;
const kidOf = (token: string) => decodeProtectedHeader(token).kid;

async function published(): Promise<string> {
  const answer = await app.client().get<{ keys: Jwk[] }>('/.well-known/jwks.json');
  return answer.body.keys.map((jwk) => nameOf(jwk)).join();
}

async function rotateTo(...keys: Jwk[]): Promise<void> {
  await write(...keys);
  const expected = keys.map((jwk) => nameOf(jwk)).join();
  await until(
    async () => (await published()) === expected,
    'the new keys are published',
    NOTICED_MS,
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bulwark-keys-'));
  await write(first);
  const env = { SIGNING_KEYS: undefined, SIGNING_KEYS_FILE: join(folder, 'keys.json') };
  app = await startApp({ env });
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

it('changes keys without a restart and ends no session; a dropped key opens nothing', async () => {
  const person = await signUp(app);
  const old = person.tokens.accessToken;
  expect(kidOf(old)).toBe(first['kid']);

  await rotateTo(first, second);
  expect(kidOf((await signInAgain(app, person)).tokens.accessToken)).toBe(first['kid']);
  expect(await statusFor(app, old)).toBe(200);

  await rotateTo(second, first);
  const { body: fresh } = await refresh(app.client(), person.tokens.refreshToken);
  expect(kidOf(fresh.accessToken)).toBe(second['kid']);
  expect([await statusFor(app, old), await statusFor(app, fresh.accessToken)]).toEqual([200, 200]);

  // The old token has been verified and remembered by now: it must fall all the same.
  await rotateTo(second);
  const answer = await app.client().withToken(old).get('/v1/users/me');
  expectProblem(answer, 401, 'invalid_token');
  expect(answer.text).not.toContain(person.email);
  expect(await statusFor(app, fresh.accessToken)).toBe(200);
  expect((await refresh(app.client(), fresh.refreshToken)).status).toBe(200);
}, 60_000);

it('drops what a key has signed when its name passes to another key', async () => {
  await rotateTo(second);
  const { tokens } = await signUp(app);
  expect(await statusFor(app, tokens.accessToken)).toBe(200);
  await rotateTo({ ...third, kid: second['kid'] });
  expect(await statusFor(app, tokens.accessToken)).toBe(401);
}, 60_000);

it('keeps its keys while the file is broken or gone, and reads it once it is whole', async () => {
  await rotateTo(second, first);
  const before = await published();
  const { tokens } = await signUp(app);
  for (const spoil of [
    () => writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [third] }).slice(0, -9)),
    () => rm(join(folder, 'keys.json')),
  ]) {
    await spoil();
    await sleep(LOOKED_TWICE_MS);
    expect(await published()).toBe(before);
    expect(await statusFor(app, tokens.accessToken)).toBe(200);
  }
  await rotateTo(third, second);
  expect(await statusFor(app, tokens.accessToken)).toBe(200);
}, 60_000);
