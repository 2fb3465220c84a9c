import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemCode } from '../src/http/problem.js';
import { signUp, type Person } from './support/factories.js';
import { expectProblem, expectSafe } from './support/problems.js';
import { exchange, type RawAnswer } from './support/raw-http.js';
import { startApp, type TestApp } from './support/test-app.js';

/** The longest wait that createApp grants a request, and how late it may notice. */
const REQUEST_TIMEOUT_MS = 15_000;
const TOLERANCE_MS = 4_000;
const NONE: RawAnswer = { status: 0, headers: new Headers(), text: '' };

let app: TestApp;
let ada: Person;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const HIDDEN = 'GET /v1/health/live HTTP/1.1\r\nHost: api\r\n\r\n';
const message = (start: string, headers: string[], body = '') =>
  `${[start, ...headers].join('\r\n')}\r\n\r\n${body}`;
const post = (headers: string[], body = '') =>
  message('POST /v1/auth/login HTTP/1.1', ['Host: api', ...headers], body);
const JSON_TYPE = 'Content-Type: application/json';
const CHUNKS = '2\r\n{}\r\n0\r\n\r\n';
const UPGRADE = ['Connection: upgrade', 'Upgrade: h2c'];

/** One problem, then the connection ends: nothing hidden behind the message is answered. */
async function refusesAndCloses(request: string | Buffer, code: ProblemCode) {
  const { answers, closed } = await exchange(app.url, request, { waitMs: 5_000 });
  expectProblem(answers[0] ?? NONE, code);
  expect([answers.length, closed]).toEqual([1, true]);
}

describe('a message that two readers could split in two ways', () => {
  it.each<[string, string]>([
    ['two lengths', post([JSON_TYPE, 'Content-Length: 2', 'Content-Length: 0'], `{}${HIDDEN}`)],
    ['two equal lengths', post([JSON_TYPE, 'Content-Length: 2', 'Content-Length: 2'], '{}')],
    ['a list of lengths', post([JSON_TYPE, 'Content-Length: 2, 2'], '{}')],
    ['a negative length', post([JSON_TYPE, 'Content-Length: -1'], HIDDEN)],
    ['a length with a sign', post([JSON_TYPE, 'Content-Length: +2'], '{}')],
    ['a hexadecimal length', post([JSON_TYPE, 'Content-Length: 0x2'], '{}')],
    [
      'a length and chunks',
      post([JSON_TYPE, 'Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${HIDDEN}`),
    ],
    [
      'chunks and a length',
      post([JSON_TYPE, 'Transfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${HIDDEN}`),
    ],
    ['an unknown coding', post([JSON_TYPE, 'Transfer-Encoding: xchunked'], HIDDEN)],
    ['chunks that are not last', post([JSON_TYPE, 'Transfer-Encoding: chunked, identity'], HIDDEN)],
    ['a space before the colon', post([JSON_TYPE, 'Transfer-Encoding : chunked'], HIDDEN)],
    ['a folded header', post([JSON_TYPE, 'Content-Length: 2\r\n 00'], '{}')],
    ['a bare LF between headers', `POST /v1/auth/login HTTP/1.1\nHost: api\n\n`],
    ['a bare CR in a header', post(['X-A: 1\rTransfer-Encoding: chunked'], HIDDEN)],
    ['a NUL in a header', post(['X-A: 1\0'], HIDDEN)],
    ['a header without a name', post([': 1'], HIDDEN)],
    [
      'a chunk size that is no number',
      post([JSON_TYPE, 'Transfer-Encoding: chunked'], `zz\r\n{}\r\n0\r\n\r\n`),
    ],
    [
      'a chunk that is longer than it says',
      post([JSON_TYPE, 'Transfer-Encoding: chunked'], `2\r\n{}xx\r\n0\r\n\r\n`),
    ],
    ['HTTP/0.9', 'GET /v1/health/live\r\n\r\n'],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a space in the path', message('GET /v1/health /live HTTP/1.1', ['Host: api'])],
    ['an upgrade', message('GET /v1/health/live HTTP/1.1', ['Host: api', ...UPGRADE]) + HIDDEN],
    ['an upgrade with a body', post([JSON_TYPE, 'Content-Length: 2', ...UPGRADE], `{}${HIDDEN}`)],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('is refused and the connection closed: %s', (_what, request) =>
    refusesAndCloses(request, 'malformed_request'),
  );

  it.each<[string, string]>([
    ['no host', message('GET /v1/health/live HTTP/1.1', [])],
    ['two hosts', message('GET /v1/health/live HTTP/1.1', ['Host: a', 'Host: b'])],
    [
      'GET with a length',
      message('GET /v1/health/live HTTP/1.1', ['Host: api', 'Content-Length: 2'], '{}'),
    ],
    [
      'GET with chunks',
      message(
        'GET /v1/health/live HTTP/1.1',
        ['Host: api', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ),
    ],
    ['an empty host', message('GET /v1/health/live HTTP/1.1', ['Host: '])],
    ...[
      'a b',
      'a/b',
      'a@b',
      'a?b',
      'a#b',
      'a\\b',
      '<a>',
      'a:b',
      'a:80:80',
      '[::1',
      '::1',
      ':80',
    ].map((host): [string, string] => [
      `the host ${host}`,
      message('GET /v1/health/live HTTP/1.1', [`Host: ${host}`]),
    ]),
    ['two codings', post([JSON_TYPE, 'Transfer-Encoding: gzip, chunked'], CHUNKS)],
    ['chunks, twice', post([JSON_TYPE, 'Transfer-Encoding: chunked, chunked'], CHUNKS)],
    ['another spelling of chunked', post([JSON_TYPE, 'Transfer-Encoding: Chunked'], CHUNKS)],
    [
      'chunks in HTTP/1.0',
      post([JSON_TYPE, 'Transfer-Encoding: chunked'], CHUNKS).replace('HTTP/1.1', 'HTTP/1.0'),
    ],
  ])('is refused: %s', async (_what, request) => {
    const { answers } = await exchange(app.url, request);
    expectProblem(answers[0] ?? NONE, 'malformed_request');
    expect(answers.length).toBe(1);
  });

  it.each([
    'api',
    'api:8080',
    'a.example',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:80',
    'a_b-c',
    '%C3%A4.de',
  ])('is none when its host is %s', async (host) => {
    const { answers } = await exchange(app.url, HIDDEN.replace('api', host));
    expect(answers[0]?.status).toBe(200);
  });

  it('runs nothing of what follows an upgrade, in whichever part it comes', async () => {
    const start = 'GET /v1/health/live HTTP/1.1';
    const upgrade = message(start, ['Host: api', ...UPGRADE]);
    const next = post([JSON_TYPE, `Content-Length: ${HIDDEN.length}`]);
    const drip = { text: HIDDEN, everyMs: 50 };
    const { answers, closed } = await exchange(app.url, upgrade + next, { waitMs: 5_000, drip });
    expectProblem(answers[0] ?? NONE, 'malformed_request');
    expect([answers.length, closed]).toEqual([1, true]);
    expect((await app.client().get('/v1/health/live')).status).toBe(200);
  });

  it('does not keep its connection, although the client keeps its side open', async () => {
    const drip = { text: 'x', everyMs: 100 };
    const kept = await exchange(app.url, 'x\r\n\r\n', { waitMs: 10_000, drip, stay: true });
    expectProblem(kept.answers[0] ?? NONE, 'malformed_request');
    expect(kept.closed).toBe(true);
  });
});

describe('headers', () => {
  it('of more than 16 KiB are refused and the connection closed', async () => {
    await refusesAndCloses(post([`X-A: ${'a'.repeat(17_000)}`]), 'headers_too_large');
    await refusesAndCloses(post([`X-${'a'.repeat(17_000)}: 1`]), 'headers_too_large');
    await refusesAndCloses(post([`X-A: ${'a'.repeat(1_000_000)}`]), 'headers_too_large');
  });

  it('may be 100 and not one more, so that none of a proxy is dropped', async () => {
    const get = (count: number) =>
      message('GET /v1/health/live HTTP/1.1', [
        'Host: api',
        ...Array.from({ length: count - 1 }, (_, n) => `x${n}:1`),
      ]);
    const fits = await exchange(app.url, get(100));
    expect(fits.answers[0]?.status).toBe(200);
    for (const count of [101, 2_100]) {
      const { answers } = await exchange(app.url, get(count));
      expectProblem(answers[0] ?? NONE, 'headers_too_large');
    }
  });

  it('with an unknown expectation are answered like any others', async () => {
    const { answers } = await exchange(app.url, HIDDEN.replace('Host', 'Expect: 4711\r\nHost'));
    expect(answers[0]?.status).toBe(200);
    expectSafe(answers[0] ?? NONE);
  });
});

describe('a pipeline', () => {
  it('is answered in order, each request with its own rights', async () => {
    const me = (token?: string) =>
      message('GET /v1/users/me HTTP/1.1', [
        'Host: api',
        ...(token ? [`Authorization: Bearer ${token}`] : []),
      ]);
    const { answers } = await exchange(app.url, me(ada.tokens.accessToken) + me() + HIDDEN);
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200]);
    expect(answers[1]?.text).not.toContain(ada.id);
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a slow client', () => {
  it(
    'loses its connection in the configured time, however it is slow',
    async () => {
      const options = { waitMs: REQUEST_TIMEOUT_MS + TOLERANCE_MS };
      const slow = await Promise.all([
        exchange(app.url, 'GET /v1/health/live HTTP/1.1\r\nHost: api\r\n', options),
        exchange(app.url, 'GET /v1/health/live HTTP/1.1\r\nHost: api\r\n', {
          ...options,
          drip: { text: 'X-A: 1\r\n', everyMs: 500 },
        }),
        exchange(app.url, post([JSON_TYPE, 'Content-Length: 50'], '{"email":'), options),
        exchange(app.url, post([JSON_TYPE, 'Content-Length: 5000'], '{"email":"'), {
          ...options,
          drip: { text: 'a', everyMs: 500 },
        }),
      ]);
      expect(slow.map(({ closed }) => closed)).toEqual([true, true, true, true]);
      for (const { answers } of slow) expectProblem(answers[0] ?? NONE, 'request_timeout');
    },
    REQUEST_TIMEOUT_MS + 2 * TOLERANCE_MS,
  );
});
