import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RATE_LIMITS } from '../src/http/rate-limit.js';
import { countStatuses, tellTale } from './support/answers.js';
import { liveSessions, passwordHashOf, refresh, tryLogin } from './support/auth.js';
import { createCast, type Cast } from './support/cast.js';
import { createResource, login, newEmail, newPassword, type Person } from './support/factories.js';
import { assemble, claimsOf, forge, headerOf, hmac, segment } from './support/forge.js';
import { fillPath, fingerprint, inventoryOf, type Route } from './support/inventory.js';
import { expectProblem, expectSafe } from './support/problems.js';
import { exchange } from './support/raw-http.js';
import { startApp, type TestApp } from './support/test-app.js';

const ROOT = join(import.meta.dirname, '..');
/** How long a call or a process that nobody waits for may take to show. */
const LATE_MS = 500;

let app: TestApp;
let createPerson: Cast;
let ada: Person;
let eve: Person;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  createPerson = await createCast(app);
  [ada, eve, admin] = await Promise.all([
    createPerson('user'),
    createPerson('user'),
    createPerson('admin'),
  ]);
});
afterAll(() => app.close());

/** From another address each time, so that no budget ends the test. */
const as = ({ tokens }: Person) => app.client().withToken(tokens.accessToken);
const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

describe('every route', () => {
  let routes: Route[];
  let id: string;
  beforeAll(async () => {
    routes = inventoryOf(app);
    ({ id } = await createResource(ada));
  });
  /** The address of what belongs to Ada. */
  const fill = (route: Route) =>
    fillPath(route, { id: route.path.startsWith('/v1/users') ? ada.id : id, userId: ada.id });

  it('that asks for a token refuses one that was edited, unsigned or signed by a stranger', async () => {
    const [header = '', claims = '', signature = ''] = admin.tokens.accessToken.split('.');
    const edited = segment({ ...claimsOf(eve), role: 'admin' });
    const tokens = [
      `${header}.${edited}.${signature}`,
      `${segment({ ...headerOf(app), alg: 'none' })}.${claims}.`,
      await forge(app, claimsOf(admin), {}, attackersKeys().privateKey),
    ];
    const closed = routes.filter(({ callers }) => callers !== 'anybody');
    expect(closed.length).toBeGreaterThan(15);
    const before = await fingerprint(app.database);
    for (const route of closed)
      for (const token of tokens) {
        const answer = await app.client().withToken(token).send(route.method, fill(route));
        expectProblem(answer, 'invalid_token');
      }
    expect(await fingerprint(app.database)).toBe(before);
  });

  it('knows its own methods and no other', async () => {
    const pattern = ({ path }: Route) => new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`);
    const body = { email: newEmail(), password: newPassword(), role: 'admin', title: 'taken' };
    const before = await fingerprint(app.database);
    for (const url of new Set(routes.map((route) => fill(route)))) {
      const matching = routes.filter((route) => pattern(route).test(url));
      const known = new Set(matching.map(({ method }) => method));
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((name) => !known.has(name));
      for (const method of others)
        for (const who of [eve, admin]) {
          const answer = await as(who).send(method, url, method === 'GET' ? undefined : body);
          expectProblem(answer, 'method_not_allowed');
        }
    }
    expect(await fingerprint(app.database)).toBe(before);
  });

  it('has no twin under another prefix', async () => {
    const twins = ['/v1/admin', '/admin', '/v1/internal', '/debug', '/v2', '/v0', '/api', ''];
    const before = await fingerprint(app.database);
    for (const route of routes.filter(({ path }) => path.startsWith('/v1/')))
      for (const url of twins.map((prefix) => fill(route).replace('/v1', prefix)))
        for (const who of [eve, admin])
          expectProblem(await as(who).send(route.method, url), 'not_found');
    expect(await fingerprint(app.database)).toBe(before);
  });
});

/** What is the attacker's: a server, to which every connection is loot, and a file that a command makes. */
async function openCanary() {
  let [calls, answer] = [0, ''];
  const server = createServer((_request, response) => response.end(answer));
  server.on('connection', () => (calls += 1)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'canary-'));
  const mark = join(folder, 'mark');
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    mark,
    serve: (text: string) => (answer = text),
    expectSilence: async () => {
      await sleep(LATE_MS);
      expect({ calls, marked: existsSync(mark) }).toEqual({ calls: 0, marked: false });
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    },
  };
}
type Canary = Awaited<ReturnType<typeof openCanary>>;

const attackersKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}
const hex = (text: string) => Buffer.from(text, 'hex');

/** Signed by itself, with ecdsa-with-SHA256 (RFC 5280 §4.1). */
function certificateOf({ privateKey, publicKey }: ReturnType<typeof attackersKeys>): Buffer {
  const algorithm = der(0x30, hex('06082a8648ce3d040302'));
  const name = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from('eve')))));
  const times = ['250101000000Z', '490101000000Z'].map((time) => der(0x17, Buffer.from(time)));
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const tbs = der(0x30, hex('020101'), algorithm, name, der(0x30, ...times), name, key);
  return der(0x30, tbs, algorithm, der(0x03, Buffer.of(0), sign('sha256', tbs, privateKey)));
}

describe('a token that says where its key is', () => {
  const keys = attackersKeys();
  const pem = keys.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const certificate = certificateOf(keys);
  const jwk = () => ({ ...keys.publicKey.export({ format: 'jwk' }), kid: headerOf(app).kid });
  let canary: Canary;
  beforeEach(async () => {
    canary = await openCanary();
    writeFileSync(join(canary.folder, 'key.pem'), pem);
    expect(new X509Certificate(certificate).verify(keys.publicKey)).toBe(true);
  });
  afterEach(() => canary.close());

  const signed = (header: Record<string, unknown>) =>
    forge(app, claimsOf(admin), header, keys.privateKey);
  /** Under the server's own name for its key, under one of the attacker's, and under none. */
  const named = (header: Record<string, unknown>) =>
    [headerOf(app).kid, 'eve', undefined].map((kid) => signed({ ...header, kid }));
  /** For a server that takes what the name leads to for the secret of an HMAC. */
  const keyed = async (secret: string, kid: string) =>
    assemble({ ...headerOf(app), alg: 'HS256', kid }, claimsOf(admin), hmac(secret));

  function inFiles() {
    const up = '../'.repeat(12);
    const file = join(canary.folder, 'key.pem');
    const known = [file, up + file.slice(1), `file://${file}`];
    return [
      ...known.flatMap((kid) => [signed({ kid }), keyed(pem, kid)]),
      ...['/dev/null', `${up}dev/null`].map((kid) => keyed('', kid)),
    ];
  }
  function inCommands() {
    const touch = `touch ${canary.mark}`;
    const kids = [`; echo known; ${touch}`, `| echo known`, `$(${touch})`, `\`${touch}\``];
    return kids.flatMap((kid) => [keyed('known', kid), keyed('known\n', kid)]);
  }

  it.each<[string, () => Promise<string>[]]>([
    [
      'on the attacker’s server (jku)',
      () => {
        canary.serve(JSON.stringify({ keys: [jwk()] }));
        return named({ jku: canary.url });
      },
    ],
    [
      'in a certificate there (x5u)',
      () => {
        canary.serve(new X509Certificate(certificate).toString());
        return named({ x5u: canary.url });
      },
    ],
    ['in its own certificate (x5c)', () => named({ x5c: [certificate.toString('base64')] })],
    ['in a file of known content', inFiles],
    [
      'in the answer of a query',
      () => [
        keyed('known', `' UNION SELECT 'known' --`),
        signed({ kid: `' UNION SELECT '${pem}' --` }),
      ],
    ],
    ['in the output of a command', inCommands],
  ])('is not believed, and nobody looks there: %s', async (_where, make) => {
    for (const token of await Promise.all(make())) {
      // Longer ones are refused unread.
      expect(token.length).toBeLessThan(2_048);
      const answer = await app.client().withToken(token).get('/v1/users');
      expectProblem(answer, 'invalid_token');
      expect(answer.text).not.toContain(admin.email);
    }
    await canary.expectSilence();
  });
});

describe('a text that somebody else would follow or run', () => {
  let canary: Canary;
  beforeEach(async () => {
    canary = await openCanary();
  });
  afterEach(() => canary.close());

  /** `URL`, `PORT` and `MARK` are the canary's. */
  const kinds = {
    'an address on this machine, in every spelling': [
      ...['URL', '//127.0.0.1:PORT/', 'http://localhost:PORT/', 'http://2130706433:PORT/'],
      ...['http://0x7f.1:PORT/', 'http://0177.0.0.1:PORT/', 'http://[::ffff:127.0.0.1]:PORT/'],
      ...['http://api.example.com@127.0.0.1:PORT/', 'http://127.0.0.1:PORT/?.example.com'],
    ],
    'an address of another kind': [
      ...['file:///etc/passwd', '../../../../etc/passwd', 'data:text/html,<script>1</script>'],
      ...['gopher://127.0.0.1:PORT/_x', 'ldap://127.0.0.1:PORT/a'],
    ],
    'a document that names one': [
      ...['${jndi:URL}', '<img src="URL">', '<?php include "URL"; ?>'],
      '<!DOCTYPE x [<!ENTITY e SYSTEM "URL">]><x>&e;</x>',
    ],
    'a command': [
      ...['; touch MARK', '| touch MARK', '&& touch MARK', 'x\ntouch MARK'],
      ...['$(touch MARK)', '`touch MARK`'],
    ],
    'a program': [
      "require('fs').writeFileSync('MARK', '')",
      "_$$ND_FUNC$$_function(){require('fs').writeFileSync('MARK', '')}()",
      "${process.getBuiltinModule('fs').writeFileSync('MARK', '')}",
      '{{constructor.constructor("return process")().exit(1)}}',
      '(function () { while (true); })()',
    ],
  };

  it.each(Object.entries(kinds))(
    'stays a text, also when it comes back: %s',
    async (_what, texts) => {
      const person = await createPerson('user');
      for (const template of texts) {
        const { url, port, mark } = canary;
        const text = template.replace('URL', url).replace('PORT', `${port}`).replace('MARK', mark);
        const { id } = await createResource(person, { title: text, content: text });
        const sent = text.includes('\n') ? 'none' : text;
        const headers = { referer: sent, 'x-forwarded-host': sent };
        const { status, body } = await as(person).get(`/v1/resources/${id}`, headers);
        expect([status, body['title'], body['content']]).toEqual([200, text, text]);
        for (const name of ['title', 'label', 'cursor'])
          await as(person).get(`/v1/resources?${query({ [name]: text })}`);
        await as(person).patch('/v1/users/me', { displayName: text });
      }
      await canary.expectSilence();
    },
  );

  it('is refused as a field or a parameter that a server would follow', async () => {
    const before = await fingerprint(app.database);
    const names = ['url', 'imageUrl', 'callbackUrl', 'webhook', 'redirect', 'template', 'layout'];
    for (const name of names) {
      const body = { title: 'x', content: '', [name]: canary.url };
      expectProblem(await as(eve).post('/v1/resources', body), 'validation_failed');
      const path = `/v1/resources?${query({ [name]: canary.url })}`;
      expectProblem(await as(eve).get(path), 'validation_failed');
    }
    await canary.expectSilence();
    expect(await fingerprint(app.database)).toBe(before);
  });
});

describe('POST /v1/auth/login', () => {
  it('takes one guess a request', async () => {
    const { id, email, password } = await createPerson('user');
    const passwords = [...Array.from({ length: 200 }, () => newPassword()), password];
    const guesses = passwords.map((guess) => ({ email, password: guess }));
    const lines = guesses.map((guess) => JSON.stringify(guess)).join('\n');
    for (const body of [guesses, { email, password: passwords }, { requests: guesses }, lines]) {
      const answer = await app.client().post('/v1/auth/login', body);
      expect(answer.status).toBe(400);
      expectSafe(answer);
    }
    for (const path of ['/v1/batch', '/v1/$batch', '/graphql', '/v1/auth/login/batch'])
      expectProblem(await app.client().post(path, guesses), 'not_found');
    expect(await liveSessions(app, id)).toHaveLength(1);
  });

  // With the right password, so that only the address keeps them out.
  it('lets nobody in by an address that goes on as SQL', async () => {
    const { id, email, password } = await createPerson('user');
    for (const condition of [`email='${email}'`, `id='${id}'`]) {
      const address = `"' or ${condition} --"@example.com`;
      expectProblem(await tryLogin(app.client(), address, password), 'invalid_credentials');
    }
    const row = `"' union select '${id}','${await passwordHashOf(app, eve.email)}' --"@example.com`;
    expectProblem(await tryLogin(app.client(), row, eve.password), 'validation_failed');
    expect(await liveSessions(app, id)).toHaveLength(1);
  });
});

describe('a new installation', () => {
  it('has no account that a manual could name', async () => {
    const fresh = await startApp();
    try {
      expect(await fresh.database.query('SELECT email FROM users')).toEqual([]);
      for (const name of ['admin', 'root', 'test', 'demo'])
        for (const password of [name, `${name}123`, 'password', 'changeme']) {
          const answer = await tryLogin(fresh.client(), `${name}@example.com`, password);
          expectProblem(answer, 'invalid_credentials');
        }
      expect(await fresh.database.query('SELECT FROM sessions')).toEqual([]);
    } finally {
      await fresh.close();
    }
  });
});

describe('an e-mail address that looks like another', () => {
  it.each<[string, (email: string) => string]>([
    ['with a tag', (email) => email.replace('@', '+x@')],
    ['with a dot', (email) => email.replace('user-', 'us.er-')],
    ['with stars, as a mask writes it', (email) => email.replace(/(?<=^u).+(?=.@)/, '***')],
    ['with a Cyrillic letter', (email) => email.replace('e', '\u0435')],
    ['at a longer domain', (email) => `${email}.example.org`],
  ])('is of another account, which sees nothing of the first: %s', async (_how, disguise) => {
    const victim = await createPerson('user');
    const { id } = await createResource(victim);
    const [email, password] = [disguise(victim.email), newPassword()];
    await app.client().post('/v1/auth/register', { email, password });
    const { accessToken } = await login(app.client(), email, password);
    const client = app.client().withToken(accessToken);
    const me = await client.get('/v1/users/me');
    expect(me.body).toMatchObject({ email, id: expect.not.stringMatching(victim.id) });
    for (const list of ['/v1/resources', '/v1/resources/shared-with-me'])
      expect((await client.get(list)).body).toEqual({ items: [], nextCursor: null });
    expectProblem(await client.get(`/v1/resources/${id}`), 'not_found');
    const theft = await tryLogin(app.client(), victim.email, password);
    expectProblem(theft, 'invalid_credentials');
  });
});

describe('a path that is nowhere', () => {
  const paths = {
    configuration: '/config /v1/config /env /info /actuator/env /v1/health/config /settings.json',
    'logs, copies and listings':
      '/logs/ /support/logs /ftp/ /backup.sql /dump.sql.gz /uploads/ /static/ /app.log',
    'files of the project':
      '/.git/HEAD /.env.production /.htaccess /package.json /secrets/app_secret ' +
      '/.data/secrets.json /src/main.ts /migrations/0001-foundation.sql /package.json.bak',
    debugging: '/_debug /v1/_debug /debug/pprof /console /server-status /metrics /v1/metrics',
    'tests and seeds': '/createdb /v1/test/reset /v1/seed /reset-test-users',
    'old interfaces': '/file-upload /upload /soap /xmlrpc.php /v1beta/users/me /graphql',
    interpreters: '/sql /v1/sql /v1/query /eval /v1/run /goto /redirect',
  };

  it.each(Object.entries(paths))('is the same 404 for everybody: %s', async (_what, list) => {
    const unknown = tellTale(await app.client().get('/v1/nowhere'));
    expect(unknown.status).toBe(404);
    const body = { query: 'SELECT * FROM users', url: 'https://evil.example' };
    for (const path of list.split(' '))
      for (const client of [app.client(), as(eve), as(admin)]) {
        expect([path, tellTale(await client.get(path))]).toEqual([path, unknown]);
        expect([path, tellTale(await client.post(path, body))]).toEqual([path, unknown]);
      }
  });

  it.each([
    ...['/redirect?to=https://evil.example', '//evil.example', '//evil.example/%2f..'],
    ...['/\\evil.example', '/v1/users/me/?next=//evil.example'],
    ...['/v1/auth/login?redirect=https://evil.example', '/docs/'],
    ...['/docs/../package.json', '/docs/..%2f..%2fpackage.json', '/docs/..\\..\\package.json'],
    ...['/docs/swagger-ui.css/../../package.json', '/docs/....//....//etc/passwd'],
    ...['/docs/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2f..%2f..%2f..%2fetc/passwd'],
  ])('leads neither away nor to a file: %s', async (path) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
    const { answers } = await exchange(app.url, request, { waitMs: 5_000 });
    expect(answers).toHaveLength(1);
    for (const answer of answers) {
      expect([answer.status >= 400, answer.headers.get('location')]).toEqual([true, null]);
      expectSafe(answer);
      expect(answer.text).not.toMatch(/root:|"dependencies"|evil/);
    }
  });
});

describe('an answer', () => {
  const PAYLOAD = '<script>alert(1)</script>';

  // By value: elsewhere they are compared with the very table that sets them.
  it('has its protective headers, whatever it answers and whatever is asked for', async () => {
    const away = {
      'x-no-headers': '1',
      'x-security-headers': 'off',
      'content-security-policy': '',
    };
    const malformed = await exchange(app.url, 'GET /v1/health /live HTTP/1.1\r\n\r\n');
    const answers = [
      await as(ada).get('/v1/users/me', away),
      await app.client().get('/v1/users/me', away),
      await app.client().get('/v1/nowhere', away),
      await app.client().get('/v1/health/live?headers=off'),
      await app.client().post('/v1/health/live'),
      await app.client().send('OPTIONS', '/v1/resources'),
      ...malformed.answers,
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 404, 400, 405, 405, 400]);
    for (const { headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': expect.stringMatching(
          /default-src 'none'.*frame-ancestors 'none'/,
        ),
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8,}; includeSubDomains/),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
    }
  });

  it.each(['text/html', 'application/javascript', 'application/xml;q=1, */*;q=0'])(
    'is JSON for who would rather have %s',
    async (accept) => {
      const { id } = await createResource(ada, { title: PAYLOAD });
      const { status, body, headers } = await as(ada).get(`/v1/resources/${id}`, { accept });
      expect([status, body['title']]).toEqual([200, PAYLOAD]);
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      const reflected = await as(ada).get(`/v1/${encodeURIComponent(PAYLOAD)}`, { accept });
      expectProblem(reflected, 'not_found');
      expect(reflected.text).not.toContain('script');
    },
  );

  it('is no script for who names a callback', async () => {
    for (const name of ['callback', 'jsonp', 'cb', '_callback'])
      for (const path of ['/v1/resources', '/v1/users/me', '/v1/health/live']) {
        const answer = await as(ada).get(`${path}?${name}=steal`);
        expectProblem(answer, 'validation_failed');
        expect(answer.text).not.toContain('steal');
      }
  });
});

describe('a text at its longest', () => {
  const LIMIT_MS = 100;
  const TRIES = 3;
  const post = (path: string, email: string) =>
    app.client().post(path, { email, password: newPassword() });
  const me = (name: string, value: string) => as(ada).get('/v1/users/me', { [name]: value });

  const emails = [
    ...[`${'a.'.repeat(120)}@`, `a@${'a-'.repeat(120)}`, `${'a'.repeat(60)}@${'a.'.repeat(95)}!`],
    ...[`"${'\\a'.repeat(30)}@${'a.'.repeat(90)}`, `${'<'.repeat(100)}@${'>'.repeat(100)}`],
    ...[`${'\ufdfa'.repeat(13)}@`, `a@${'a.'.repeat(45_000)}`, `a@${' '.repeat(90_000)}a`],
  ];
  const wildcards = ['%'.repeat(100), '\\'.repeat(100), '_%'.repeat(50)];
  type Send = () => Promise<{ status: number }>;
  const inputs: [string, number, Send[]][] = [
    ['an e-mail address', 400, emails.map((email) => () => post('/v1/auth/login', email))],
    [
      'the address of a new account',
      400,
      emails.map((email) => () => post('/v1/auth/register', email)),
    ],
    [
      'a filter',
      200,
      wildcards.map((title) => () => as(ada).get(`/v1/resources?${query({ title })}`)),
    ],
    [
      'a token',
      401,
      [`Bearer ${'a='.repeat(6_000)}`, `Bearer${' '.repeat(12_000)}x`].map(
        (token) => () => app.client().get('/v1/users/me', { authorization: token }),
      ),
    ],
    [
      'other headers',
      200,
      [
        () => me('traceparent', `00-${'0'.repeat(12_000)}`),
        () => me('content-type', `application/json${' '.repeat(12_000)};`),
      ],
    ],
  ];
  /** The fastest of some tries: a busy machine only adds. */
  async function fastest(send: Send, status: number): Promise<number> {
    const times: number[] = [];
    for (let n = 0; n < TRIES; n += 1) {
      const start = performance.now();
      expect((await send()).status).toBe(status);
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  }

  it.each(inputs)('keeps no pattern busy as %s', async (_where, status, sends) => {
    await createResource(ada, { title: `${'_%\\'.repeat(66)}x` });
    for (const send of sends) expect(await fastest(send, status)).toBeLessThan(LIMIT_MS);
  });
});

describe('GET /v1/resources/:id', () => {
  it('has one budget for one user, from however many addresses he downloads', async () => {
    const person = await createPerson('user');
    const { id } = await createResource(person);
    const { perUser } = RATE_LIMITS.read;
    const downloads = Array.from({ length: 2 * perUser }, () =>
      as(person).get(`/v1/resources/${id}`),
    );
    const { 200: passed = 0, 429: refused = 0 } = countStatuses(await Promise.all(downloads));
    expect(passed + refused).toBe(2 * perUser);
    expect(passed).toBeGreaterThanOrEqual(perUser);
    expect(passed).toBeLessThan(2 * perUser);
  });
});

describe('DELETE /v1/resources', () => {
  it('deletes nothing for who lists several ids, of which some are another’s', async () => {
    const ids = [(await createResource(eve)).id, (await createResource(ada)).id];
    const [own, foreign] = ids;
    const before = await fingerprint(app.database);
    expectProblem(await as(eve).delete('/v1/resources', { ids }), 'method_not_allowed');
    const attempts: [string, object?][] = [
      [ids.join(',')],
      ['*'],
      [`${own}?id=${foreign}`],
      [`${own}?ids[]=${foreign}`],
      [`${own}`, { ids }],
      [`${own}`, ids],
    ];
    for (const [end, body] of attempts)
      expectProblem(await as(eve).delete(`/v1/resources/${end}`, body), 'validation_failed');
    expect(await fingerprint(app.database)).toBe(before);
  });
});

describe("another user's password", () => {
  it('is not set by naming him in the path', async () => {
    const before = await fingerprint(app.database);
    const password = newPassword();
    const body = { password, newPassword: password, currentPassword: eve.password };
    for (const name of [ada.id, encodeURIComponent(ada.email)])
      for (const path of [`/v1/users/${name}/password`, `/v1/users/me/${name}/password`])
        for (const method of ['PUT', 'PATCH', 'POST'])
          for (const who of [eve, admin])
            expectProblem(await as(who).send(method, path, body), 'not_found');
    expect(await fingerprint(app.database)).toBe(before);
  });
});

describe('a refresh token', () => {
  it('has 32 bytes, none of which stands still or counts', async () => {
    let { refreshToken } = (await createPerson('user')).tokens;
    const seen: Buffer[] = [];
    for (let n = 0; n < 32; n += 1) {
      seen.push(Buffer.from(refreshToken, 'base64url'));
      ({ refreshToken } = (await refresh(app.client(), refreshToken)).body);
    }
    expect(new Set(seen.map(({ length }) => length))).toEqual(new Set([32]));
    for (let place = 0; place < 32; place += 1) {
      const values = seen.map((token) => token[place] ?? 0);
      // Of 32 random bytes some 30 are different.
      expect(new Set(values).size).toBeGreaterThanOrEqual(16);
      expect(values).not.toEqual(values.toSorted((a, b) => a - b));
    }
  });
});

describe('headers that claim an address', () => {
  it('are kept nowhere, whatever they hold', async () => {
    const canary = `<script>${crypto.randomUUID()}</script>`;
    const names = ['true-client-ip', 'x-real-ip', 'x-client-ip', 'cf-connecting-ip', 'forwarded'];
    const headers = Object.fromEntries(names.map((name) => [name, canary]));
    const credentials = { email: newEmail(), password: newPassword() };
    const client = app.client();
    await client.post('/v1/auth/register', credentials, headers);
    const signedIn = await client.post('/v1/auth/login', credentials, headers);
    const person = client.withToken(String(signedIn.body['accessToken']));
    const created = await person.post('/v1/resources', { title: 'x', content: '' }, headers);
    const refused = await person.get('/v1/users', headers);
    expect([created.status, refused.status]).toEqual([201, 403]);
    for (const answer of [created, refused])
      expect(answer.text + JSON.stringify([...answer.headers])).not.toContain(canary);
    const tables = await app.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) => app.database.query(`SELECT t::text FROM ${name} t`)),
    );
    expect(JSON.stringify(rows)).toContain(credentials.email);
    expect(JSON.stringify(rows)).not.toContain(canary);
  });
});

describe('the source', () => {
  const textsOf = (...patterns: string[]) =>
    globSync(patterns, { cwd: ROOT }).map((file) => ({
      file,
      text: readFileSync(join(ROOT, file), 'utf8'),
    }));
  const source = textsOf('src/**/*.ts');
  /** `file: what is banned`, for each place. */
  const found = (texts: typeof source, banned: RegExp) =>
    texts.flatMap(({ file, text }) => (text.match(banned) ?? []).map((hit) => `${file}: ${hit}`));

  it('uses no broken hash, no broken cipher and no predictable number', () => {
    expect(source.length).toBeGreaterThan(50);
    const primitives =
      /create(?:Hash|Hmac)\((?!'sha(?:256|384|512)')|\b(?:md[245]|sha-?1|rc4|3?des)\b|-(?:ecb|cbc)\b|Math\.random|createCipher\(/gi;
    expect(found(source, primitives)).toEqual([]);
  });

  it('evaluates no text, and starts no process but the database of development', () => {
    expect(found(source, /\beval\(|new Function|node:vm|shell: true/g)).toEqual([]);
    expect(found(source, /'node:(?:child_process|cluster)'/g)).toEqual([
      "src/database/embedded-postgres.ts: 'node:child_process'",
    ]);
  });

  it('compares in constant time what it has signed', () => {
    const signing = source.filter(({ text }) => text.includes('createHmac'));
    const comparing = signing.filter(({ text }) =>
      text.includes('timingSafeEqual(given, expected)'),
    );
    expect(comparing.map(({ file }) => file)).toContain('src/http/cursors.ts');
    expect(
      found(signing, /\.equals\(|\.compare\(|[!=]== (?:given|expected|mac)\b(?!\.length)/g),
    ).toEqual([]);
  });

  it('holds no private key, no token and no hash of a password, and neither does the rest', () => {
    const folders = ['src', 'test', 'lessons', 'bench', 'migrations', 'docs', 'scripts', 'lint'];
    const texts = textsOf(
      ...folders.map((folder) => `${folder}/**/*.*`),
      ...['*.{md,json,yml,js}', '.env.example', 'Dockerfile'],
    );
    expect(texts.length).toBeGreaterThan(150);
    const secrets = [
      /-----BEGIN [A-Z ]*PRIVATE KEY/g,
      /"d": ?"[\w-]{43}"/g,
      /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{43,}/g,
      /\$argon2id\$v=19\$[\w=,]+\$[\w+/]{22}/g,
      /\b(?:AKIA[A-Z0-9]{16}|gh[pousr]_\w{36}|xox[abp]-[\w-]{10,})/g,
    ];
    for (const secret of secrets) expect(found(texts, secret)).toEqual([]);
  });
});
