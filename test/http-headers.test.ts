import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from './support/client.js';
import { signUpByMail } from './support/factories.js';
import { exchange } from './support/raw-http.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';

const FRIEND = 'https://app.example.com';
const NOBODYS = '00000000-0000-4000-8000-000000000000';

/** Written out, not imported: who weakens one in the source has to weaken it here, too. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
const PROBLEM = 'application/problem+json';

/** Each is written in another place: hooks, the filter, CORS, the router, Node's parser. */
const KINDS = [
  { kind: 'a good answer', path: '/v1/health/live', status: 200, type: 'application/json' },
  { kind: 'a missing object', path: `/v1/resources/${NOBODYS}`, status: 404, type: PROBLEM },
  { kind: 'an error of ours', path: '/v1/broken/error', status: 500, type: PROBLEM },
  { kind: 'a thrown text', path: '/v1/broken/text', status: 500, type: PROBLEM },
  { kind: 'an URL without a route', path: '/v1/%zz', status: 400, type: PROBLEM },
  { kind: 'a preflight', method: 'OPTIONS', path: '/v1/users/me', status: 204, type: undefined },
  { kind: 'an unreadable request', raw: 'no HTTP\r\n\r\n', status: 400, type: PROBLEM },
];
type Kind = (typeof KINDS)[number];

let app: SpawnedApp;
let answers: { kind: string; status: number; headers: Headers }[];

beforeAll(async () => {
  app = await spawnApp({ entry: 'test/support/broken-app.ts', env: { CORS_ORIGINS: FRIEND } });
  const { client } = await signUpByMail(app);
  answers = await Promise.all(KINDS.map((kind) => ask(client, kind)));
}, PATIENCE_MS);
afterAll(() => app.close());

async function ask(client: Client, { kind, method = 'GET', path = '', raw }: Kind) {
  if (raw) {
    const [answer] = (await exchange(app.url, raw)).answers;
    return { kind, status: answer?.status ?? 0, headers: answer?.headers ?? new Headers() };
  }
  const asked = { origin: FRIEND, 'access-control-request-method': 'GET' };
  const { status, headers } = await client.send(method, path, undefined, asked);
  return { kind, status, headers };
}

/** What each kind of answer has under this name, or should have. */
const seen = (name: string) => answers.map(({ kind, headers }) => [kind, headers.get(name)]);
const all = (value: string) => KINDS.map(({ kind }) => [kind, value]);

describe('every kind of answer', () => {
  it('was given as it was meant to be', () => {
    const given = answers.map(({ kind, status }) => [kind, status]);
    expect(given).toEqual(KINDS.map(({ kind, status }) => [kind, status]));
  });

  it.each(Object.entries(HEADERS))('has %s: %s', (name, value) => {
    expect(seen(name)).toEqual(all(value));
  });

  it('says what it is, so that a browser does not take it for a page', () => {
    const types = answers.map(({ kind, headers }) => [
      kind,
      headers.get('content-type')?.replace(/; ?charset=utf-8$/, ''),
    ]);
    expect(types).toEqual(KINDS.map(({ kind, type }) => [kind, type]));
  });
});
