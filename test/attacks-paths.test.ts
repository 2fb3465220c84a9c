import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tellTale } from './support/answers.js';
import { createResource, newEmail, newPassword } from './support/factories.js';
import { claimsOf, forge, headerOf, segment, strangersKey } from './support/forge.js';
import { fillPath, fingerprint, inventoryOf, type Route } from './support/inventory.js';
import { expectProblem, expectSafe } from './support/problems.js';
import { exchange } from './support/raw-http.js';
import { setStage, type Stage } from './support/stage.js';

let app: Stage['app'];
let as: Stage['as'];
let ada: Stage['ada'];
let eve: Stage['eve'];
let admin: Stage['admin'];

beforeAll(async () => {
  ({ app, as, ada, eve, admin } = await setStage());
});
afterAll(() => app.close());

describe('every route', () => {
  let routes: Route[];
  let id: string;
  beforeAll(async () => {
    routes = inventoryOf(app);
    ({ id } = await createResource(ada));
  });
  /** The address of what belongs to Ada. */
  const fill = (route: Route) =>
    fillPath(route, {
      id: route.path.startsWith('/v1/users') ? ada.id : id,
      userId: ada.id,
      factorId: ada.id,
    });

  it('that asks for a token refuses one that was edited, unsigned or signed by a stranger', async () => {
    const [header = '', claims = '', signature = ''] = admin.tokens.accessToken.split('.');
    const edited = segment({ ...claimsOf(eve), role: 'admin' });
    const tokens = [
      `${header}.${edited}.${signature}`,
      `${segment({ ...headerOf(app), alg: 'none' })}.${claims}.`,
      await forge(app, claimsOf(admin), {}, strangersKey().privateKey),
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
