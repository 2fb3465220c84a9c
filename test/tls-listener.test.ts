import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { readTlsPair } from '../src/config/certificates.js';
import { tlsOptions } from '../src/http/tls-listener.js';
import { Authority, TlsFolder } from './support/certificates.js';
import { run, source } from './support/child.js';
import { createResource, signUpByMail } from './support/factories.js';
import { exchange } from './support/raw-http.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';
import { agreedOn, handshake, lifeOfConnection, trustOnly } from './support/tls.js';
import { until } from './support/waiting.js';

const HANDSHAKE_MS = 5_000;
const TOLERANCE_MS = 4_000;
/** What old clients could be talked into; the client itself would refuse without this. */
const ANYTHING = 'ALL:@SECLEVEL=0';
const CHACHA = 'ECDHE-ECDSA-CHACHA20-POLY1305';

const folder = new TlsFolder();
let authority: Authority;
let app: SpawnedApp;

beforeAll(async () => {
  authority = await Authority.create();
  trustOnly(authority);
  folder.write(await authority.issue({ to: 20 }));
  app = await spawnApp({ env: { ...folder.env, PUBLIC_URL: 'https://localhost' } });
}, PATIENCE_MS);
afterAll(async () => {
  await app.close();
  folder.remove();
});

const isWell = async () => expect((await app.client().get('/v1/health/live')).status).toBe(200);
const events = (code: string) =>
  app.logs().filter((line) => line['event'] === 'input_validation_fail' && line['code'] === code);

/** A listener with the app's own rules, and a certificate of the other kind. */
async function rsaServer({ files }: TlsFolder) {
  const server = createServer(tlsOptions(readTlsPair(files)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('a listener with TLS_CERT_FILE', () => {
  it('serves the API over TLS, and nothing else changes', async () => {
    expect(app.url).toMatch(/^https:/);
    const ada = await signUpByMail(app);
    const { id } = await createResource(ada);
    const { status, headers } = await ada.client.get(`/v1/resources/${id}`);
    expect(status).toBe(200);
    const page = await app.client().get('/account/sign-in');
    for (const answer of [headers, page.headers])
      expect(answer.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    expect((await app.client().get(`/v1/resources/${id}`)).status).toBe(401);
  });

  it('agrees on TLS 1.3 with a hybrid key, and on TLS 1.2 at the least', async () => {
    expect(await agreedOn(app.url)).toBe('TLSv1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768');
    const old = { maxVersion: 'TLSv1.2', ecdhCurve: 'P-256' } as const;
    expect(await agreedOn(app.url, old)).toBe('TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 prime256v1');
  });

  it('chooses the suite itself', async () => {
    const preferred = `${CHACHA}:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384`;
    expect(await agreedOn(app.url, { maxVersion: 'TLSv1.2', ciphers: preferred })).toContain(
      'AES256-GCM',
    );
  });

  it('says at its start that its certificate ends within thirty days', async () => {
    const line = await app.logged(({ msg }) =>
      msg.includes('certificate of the listener ends soon'),
    );
    expect(line.level).toBe('warn');
  });

  it('is found ready by the command for containers, which takes no other for it', async () => {
    const check = (env: Record<string, string>) =>
      run(source('commands/health.ts'), { env: { PORT: new URL(app.url).port, ...env } });
    expect(await check(folder.env)).toEqual({ code: 0, output: '' });
    const other = await authority.issue();
    const env = { ...folder.env, TLS_CERT_FILE: folder.add('other.pem', other.cert) };
    expect((await check(env)).code).toBe(1);
    expect((await check({})).code).toBe(1);
  });

  it('is trusted by nobody who does not know its authority', async () => {
    const stranger = await Authority.create('Another one');
    expect(await agreedOn(app.url, { ca: stranger.pem })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });
});

describe('a handshake', () => {
  it.each<[string, ConnectionOptions]>([
    ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: ANYTHING }],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: ANYTHING }],
  ])('is refused for %s', async (_what, options) => {
    expect(await agreedOn(app.url, options)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await isWell();
  });

  it.each([
    'ECDHE-ECDSA-AES256-SHA384',
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-CCM8',
    'AECDH-AES128-SHA',
    'ECDHE-ECDSA-NULL-SHA',
  ])('is refused for the suite %s', async (suite) => {
    const options = { maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` } as const;
    expect(await agreedOn(app.url, options)).toMatch(/HANDSHAKE_FAILURE/);
  });

  it.each(['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256'])(
    'is refused for the suite %s, also with a certificate that it would fit',
    async (suite) => {
      const rsa = new TlsFolder();
      rsa.write(await authority.issue({ rsaBits: 2_048 }));
      const { server, url } = await rsaServer(rsa);
      const options = { maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` } as const;
      expect(await agreedOn(url, options)).toMatch(/HANDSHAKE_FAILURE/);
      expect(await agreedOn(url, { maxVersion: 'TLSv1.2' })).toContain('ECDHE-RSA-AES256-GCM');
      server.close();
      rsa.remove();
    },
  );

  it('is refused for groups that are not on the list', async () => {
    expect(await agreedOn(app.url, { ecdhCurve: 'P-521' })).toMatch(/HANDSHAKE_FAILURE/);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s resumes nothing', async (maxVersion) => {
    const first = await handshake(app.url, { maxVersion });
    let session = first.getSession();
    first.on('session', (newer) => (session = newer));
    first.write('GET /v1/health/live HTTP/1.1\r\nHost: api\r\n\r\n');
    await once(first, 'data');
    first.destroy();
    const second = await handshake(app.url, { maxVersion, ...(session && { session }) });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  it('is not done again on an open connection', async () => {
    const socket = await handshake(app.url, { maxVersion: 'TLSv1.2' });
    const failed = once(socket, 'error') as Promise<[{ code: string }]>;
    socket.renegotiate({}, () => {});
    expect((await failed)[0].code).toBe('ERR_SSL_NO_RENEGOTIATION');
    await isWell();
  });
});

describe('a request over TLS', () => {
  it('has the bounds of any other: what is no HTTP gets its problem', async () => {
    const socket = await handshake(app.url);
    socket.write('no HTTP\r\n\r\n');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toContain('"code":"malformed_request"');
    await until(() => events('malformed_request').length === 1, 'it is in the log');
  });

  it(
    'must come in time',
    async () => {
      const socket = await handshake(app.url);
      const startedAt = performance.now();
      socket.write('GET /v1/health/live HTTP/1.1\r\nHost: api\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toContain('"code":"request_timeout"');
      expect(performance.now() - startedAt).toBeLessThan(15_000 + TOLERANCE_MS);
    },
    15_000 + 2 * TOLERANCE_MS,
  );
});

describe('what is no TLS', () => {
  it('gets nothing, and a line in the log without what it said', async () => {
    const request = 'GET /v1/users/me HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer 5417\r\n\r\n';
    const { answers, closed } = await exchange(app.url, request, { waitMs: 3_000 });
    expect([answers.length, closed]).toEqual([0, true]);
    const line = await app.logged(({ reason }) => reason === 'ERR_SSL_HTTP_REQUEST');
    expect(line).toMatchObject({ event: 'input_validation_fail', code: 'tls_handshake' });
    expect(app.output()).not.toContain('Bearer');
    await isWell();
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['the half of a handshake', Buffer.from('16030102000100', 'hex')],
  ])(
    'does not keep its connection: %s',
    async (_what, bytes) => {
      const life = await lifeOfConnection(app.url, bytes);
      expect(life).toBeGreaterThan(HANDSHAKE_MS - 500);
      expect(life).toBeLessThan(HANDSHAKE_MS + TOLERANCE_MS);
      await isWell();
    },
    HANDSHAKE_MS + 2 * TOLERANCE_MS,
  );

  it('cannot fill the log', async () => {
    const tries = Array.from({ length: 700 }, () => lifeOfConnection(app.url, 'no TLS at all\r\n'));
    await Promise.all(tries);
    await isWell();
    expect(events('tls_handshake').length).toBeLessThan(650);
  });
});
