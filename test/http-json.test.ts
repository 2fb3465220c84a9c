import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { ProblemCode } from '../src/http/problem.js';
import { signUp, type Person } from './support/factories.js';
import { expectProblem } from './support/problems.js';
import { startApp, type TestApp } from './support/test-app.js';

const BODY_LIMIT = 100 * 1024;
/** Small on the wire, and far beyond the limit when inflated. */
const BOMB = gzipSync(Buffer.alloc(10_000_000));
const LONE_SURROGATE = String.raw`\ud800`;

let app: TestApp;
let ada: Person;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const countResources = async () => {
  const [row] = await app.database.query<{ n: string }>('SELECT count(*) AS n FROM resources');
  return Number(row?.n);
};

async function refuses(body: string | Uint8Array, code: ProblemCode, headers = {}) {
  const before = await countResources();
  const answer = await ada.client.post('/v1/resources', body, headers);
  expectProblem(answer, code);
  expect(await countResources()).toBe(before);
  return answer;
}

const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;

describe('a JSON body', () => {
  it('is taken when it is plain, whatever its strings look like', async () => {
    const content = String.raw`{"title":1,"title":2} [[[[[ }}}} \" \\ : ,"`;
    const answer = await ada.client.post('/v1/resources', { title: 'title":', content });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ title: 'title":', content });
  });

  it.each<[string, string]>([
    ['at the top', '{"title":"a","content":"","title":"b"}'],
    ['written with an escape', String.raw`{"title":"a","content":"","\u0074itle":"b"}`],
    ['with white space before the colon', '{"title":"a","content":"","title" \n\t: "b"}'],
    ['nested', '{"title":"a","content":"","x":{"y":1,"y":2}}'],
    ['in an object in a list', '{"title":"a","content":"","labels":[{"y":1,"z":[],"y":2}]}'],
    ['after a string that holds brackets', '{"content":"}]{[","title":"a","content":""}'],
    ['after a string that holds quotes', String.raw`{"title":"\"\\","content":"\\\"","title":"b"}`],
    ['that is empty', '{"":1,"":2}'],
    ['that is a number in text', '{"1":1,"1":2}'],
  ])('is refused when it names a property twice: %s', (_where, body) =>
    refuses(body, 'duplicate_key'),
  );

  it('may use one name in two objects', async () => {
    const body = '{"title":"a","content":"","x":{"y":1},"z":[{"y":1},{"y":2}]}';
    const answer = await refuses(body, 'validation_failed');
    expect(answer.text).not.toContain('duplicate');
  });

  it.each([
    ...['__proto__', 'constructor', 'prototype', String.raw`__pr\u006fto__`],
    ...['toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'],
  ])('is refused when it names %s at any depth, and no prototype changes', async (name) => {
    const loot = `{"isAdmin":true,"prototype":{"isAdmin":true}}`;
    const bodies = [`"${name}":${loot}`, `"x":{"${name}":${loot}}`, `"x":[[{"${name}":${loot}}]]`];
    for (const body of bodies) await refuses(`{"title":"a","content":"",${body}}`, 'forbidden_key');
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['white space', ' \n'],
    ['half of an object', '{"title":"a"'],
    ['two objects', '{"title":"a"}{"title":"b"}'],
    ['a comment', '{"title":"a" /* x */}'],
    ['single quotes', "{'title':'a'}"],
    ['a trailing comma', '{"title":"a",}'],
    ['NaN', '{"title":NaN}'],
    ['a raw line break in a string', '{"title":"a\nb"}'],
    ['a raw NUL', '{"title":"a\0"}'],
    ['an overlong UTF-8 quote', Buffer.from('7b22c0a22200', 'hex')],
    ['a lone UTF-8 continuation', Buffer.from('7b226122 3a22 80 227d'.replaceAll(' ', ''), 'hex')],
    ['a raw lone surrogate', Buffer.from('7b2261223a22eda080227d', 'hex')],
    ['Latin-1', Buffer.from('{"title":"é","content":""}', 'latin1')],
    ['UTF-16', Buffer.from('{"title":"a","content":""}', 'utf16le')],
    ['a byte order mark', '\ufeff{"title":"a","content":""}'],
    ['gzip without saying so', gzipSync('{"title":"a","content":""}')],
  ])('is refused when it is %s', (_what, body) => refuses(body, 'malformed_json'));

  it.each<[string, string]>([
    ['NUL in a value', String.raw`{"title":"a\u0000b","content":""}`],
    ['NUL in a name', String.raw`{"ti\u0000tle":"a"}`],
    ['NUL in a list', String.raw`{"title":"a","content":"","labels":["\u0000"]}`],
    ['a lone high surrogate', `{"title":"${LONE_SURROGATE}","content":""}`],
    ['a lone low surrogate', String.raw`{"title":"\udfff","content":""}`],
    ['surrogates in the wrong order', String.raw`{"title":"\udc00\ud800","content":""}`],
  ])('is refused for %s, escaped', (_what, body) => refuses(body, 'forbidden_character'));

  it('takes a pair of surrogates as one character', async () => {
    const answer = await ada.client.post(
      '/v1/resources',
      String.raw`{"title":"\ud83d\ude00","content":""}`,
    );
    expect(answer.body).toMatchObject({ title: '😀' });
  });

  it('is refused when it is nested more than 20 deep, however deep', async () => {
    await refuses(nested(20), 'validation_failed');
    await refuses(nested(21), 'too_deep');
    await refuses(`${'['.repeat(21)}${']'.repeat(21)}`, 'too_deep');
    await refuses(`${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'too_deep');
  });

  it('is refused when it has more than 1,000 names, wherever they stand', async () => {
    const names = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, {}])));
    await refuses(names(1_000), 'validation_failed');
    await refuses(names(1_001), 'too_many_names');
    await refuses(`{"title":${names(1_000)},"content":""}`, 'too_many_names');
    await refuses(`[${'{"a":1},'.repeat(1_000)}{"a":1}]`, 'too_many_names');
  });

  it('may have 100 KiB and not a byte more', async () => {
    const fill = (length: number) => '{"title":"a","content":""}'.padEnd(length, ' ');
    const answer = await ada.client.post('/v1/resources', fill(BODY_LIMIT));
    expect(answer.status).toBe(201);
    await refuses(fill(BODY_LIMIT + 1), 'body_too_large');
    await refuses(fill(BODY_LIMIT * 20), 'body_too_large');
  });

  it.each<[string, string]>([
    ['a list', '[]'],
    ['a list of resources', '[{"title":"a","content":""}]'],
    ['a text', '"title"'],
    ['a number', '1'],
    ['a huge number', '1e999'],
    ['true', 'true'],
    ['null', 'null'],
  ])('is refused when it is %s', (_what, body) => refuses(body, 'validation_failed'));
});

describe('the type of a body', () => {
  const body = '{"title":"a","content":""}';

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('may be %s', async (type) => {
    const answer = await ada.client.post('/v1/resources', body, { 'content-type': type });
    expect(answer.status).toBe(201);
  });

  it.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'text/xml',
    'application/yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/vnd.api+json',
    'application/jsonp',
    'application/json5',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json; charset=ibm037',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8"',
    'application/json; charset=utf-8; charset=utf-16',
    'text/plain; application/json',
    'json',
    '*/*',
    '',
  ])('is refused when it is "%s"', (type) =>
    refuses(body, 'unsupported_media_type', { 'content-type': type }),
  );

  it('is refused when there is none', async () => {
    const before = await countResources();
    const answer = await fetch(`${app.url}/v1/resources`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.tokens.accessToken}` },
      body: Buffer.from(body),
    });
    const { status, headers } = answer;
    expectProblem({ status, headers, text: await answer.text() }, 'unsupported_media_type');
    expect(await countResources()).toBe(before);
  });

  it.each(['gzip', 'GZIP', 'deflate', 'br', 'zstd', 'x-gzip', 'identity, gzip', ''])(
    'is refused with Content-Encoding: %s, before anything is inflated',
    (encoding) =>
      refuses(BOMB, 'unsupported_media_type', {
        'content-encoding': encoding,
      }),
  );
});
