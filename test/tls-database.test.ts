import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { productionEnvironment, run, source } from './support/child.js';
import { Authority, TlsFolder } from './support/certificates.js';
import { PATIENCE_MS } from './support/spawned-app.js';
import { startApp, type TestApp } from './support/test-app.js';
import type { TestDatabase } from './support/test-database.js';
import { TlsPostgres } from './support/tls-postgres.js';
import { signUp } from './support/factories.js';
import { until } from './support/waiting.js';

type Pem = Awaited<ReturnType<Authority['issue']>>;

const folder = new TlsFolder();
let authority: Authority;
let good: Pem;
let server: TlsPostgres;
/** What a deployment says: verify-full, and the authority that the operator trusts. */
let query: string;

const urlsAt = (host: string, more = query) => server.urls(host, more);
const migrate = (host = 'localhost') => {
  const { owner, app } = urlsAt(host);
  const env = { NODE_ENV: 'production', DATABASE_URL: app, DATABASE_OWNER_URL: owner };
  return run(source('commands/migrate.ts'), { env });
};
const start = async (databaseUrl: string, env = {}) => {
  const surroundings = { env: { ...productionEnvironment(databaseUrl), ...env } };
  return run(source('main.ts'), surroundings);
};
const startAt = (host: string) => start(urlsAt(host).app);

beforeAll(async () => {
  authority = await Authority.create();
  good = await authority.issue();
  server = await TlsPostgres.start(good);
  query = `?sslmode=verify-full&sslrootcert=${folder.add('ca.pem', authority.pem)}`;
}, PATIENCE_MS);
beforeEach(() => server.present(good));
afterAll(async () => {
  await server.stop();
  folder.remove();
});

describe('a database with the right certificate', () => {
  it('is migrated and served over TLS, by every connection', async () => {
    expect(await migrate()).toMatchObject({ code: 0 });
    const app = await startApp({
      database: { urls: urlsAt('localhost') } as unknown as TestDatabase,
      env: { DATABASE_URL: urlsAt('localhost').app },
    });
    await signUp(app);
    const links = await server.query(
      `SELECT DISTINCT application_name AS name, ssl, version FROM pg_stat_ssl
       JOIN pg_stat_activity USING (pid) WHERE usename = 'bulwark_tls_app' ORDER BY 1`,
    );
    await app.app.close();
    expect(links).toEqual([
      { name: 'bulwark', ssl: true, version: 'TLSv1.3' },
      { name: 'bulwark revocation feed', ssl: true, version: 'TLSv1.3' },
    ]);
  });

  it('is verified by its address, where the URL has one', async () => {
    await server.present(await authority.issue({ names: ['127.0.0.1'] }));
    expect(await migrate('127.0.0.1')).toMatchObject({ code: 0 });
    await server.present(await authority.issue({ names: ['localhost'] }));
    const { code, output } = await startAt('127.0.0.1');
    expect(code).toBe(1);
    expect(output).toMatch(/cannot be verified.*127\.0\.0\.1/);
  });
});

/** Somebody who stands in between has such certificates. */
const IMPOSTORS: [string, RegExp, () => Promise<Pem>][] = [
  [
    'of an authority that nobody trusts',
    /cannot be verified: .*(self-signed|verify|issuer)/,
    async () => (await Authority.create('Mallory')).issue(),
  ],
  [
    'of an authority with the same name',
    /cannot be verified: /,
    async () => (await Authority.create()).issue(),
  ],
  [
    'for another host',
    /cannot be verified: .*(altname|does not match)/i,
    () => authority.issue({ names: ['db.example.com'] }),
  ],
  ['that has expired', /cannot be verified: .*expired/, () => authority.issue({ to: -0.01 })],
  [
    'that is not valid yet',
    /cannot be verified: .*not yet valid/,
    () => authority.issue({ from: 1 }),
  ],
];

describe('a certificate', () => {
  it.each(IMPOSTORS)('%s keeps the app from starting, which says why', async (_what, why, make) => {
    await server.present(await make());
    const { code, output } = await startAt('localhost');
    expect(code).toBe(1);
    expect(output).toMatch(why);
    expect(output).not.toContain(server.appPassword);
  });

  it.each(IMPOSTORS)('%s keeps the owner from migrating', async (_what, _why, make) => {
    await server.present(await make());
    const { code, output } = await migrate();
    expect(code).toBe(1);
    expect(output).not.toContain(server.password);
    expect(output).not.toContain('Migrations run');
  });
});

describe('an instance whose database is taken over by somebody else', () => {
  let app: TestApp;

  beforeAll(async () => {
    await server.present(good);
    app = await startApp({
      database: { urls: urlsAt('localhost') } as unknown as TestDatabase,
      env: { DATABASE_URL: urlsAt('localhost').app },
    });
  });
  afterAll(() => app.app.close());

  it('gives it no password and answers that it has no data, until the right one is back', async () => {
    const ada = await signUp(app);
    await server.present(await (await Authority.create('Mallory')).issue());
    await server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bulwark_tls_app'`,
    );
    await until(
      async () => (await app.client().get('/v1/health/ready')).status === 503,
      'it is not ready',
    );
    const answer = await ada.client.get('/v1/users/me');
    expect([answer.status, answer.body['code']]).toEqual([503, 'database_unavailable']);
    await server.present(good);
    await until(
      async () => (await ada.client.get('/v1/users/me')).status === 200,
      'it is served again',
    );
  });
});

describe('a link that is not safe', () => {
  const ELSEWHERE = 'db.example.com';

  it.each(['', '?sslmode=require', '?sslmode=no-verify', '?sslmode=prefer&ssl=true'])(
    'is not used to migrate in production, either: %j',
    async (more) => {
      const { owner, app } = urlsAt(ELSEWHERE, more);
      const env = { NODE_ENV: 'production', DATABASE_URL: app, DATABASE_OWNER_URL: owner };
      const { code, output } = await run(source('commands/migrate.ts'), { env });
      expect(code).toBe(1);
      for (const name of ['DATABASE_URL', 'DATABASE_OWNER_URL'])
        expect(output).toContain(`${name} leaves this machine without TLS`);
      for (const secret of [server.password, server.appPassword])
        expect(output).not.toContain(secret);
    },
  );

  it('is no way around: a server that has no TLS', async () => {
    await server.query('ALTER SYSTEM SET ssl = off');
    await server.query('SELECT pg_reload_conf()');
    const { code, output } = await startAt('localhost');
    expect(code).toBe(1);
    expect(output).toContain('cannot be verified: The server does not support SSL connections');
    await server.query('ALTER SYSTEM SET ssl = on');
  });
});
