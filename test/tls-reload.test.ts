import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Authority, TlsFolder } from './support/certificates.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';
import { handshake, servedSerial, trustOnly } from './support/tls.js';
import { until } from './support/waiting.js';

/** The files are looked at this often. */
const WATCH_MS = 2_000;
const folder = new TlsFolder();
type Pem = Awaited<ReturnType<Authority['issue']>>;
let authority: Authority;
let first: Pem;
let second: Pem;
let app: SpawnedApp;

beforeAll(async () => {
  authority = await Authority.create();
  trustOnly(authority);
  [first, second] = await Promise.all([authority.issue(), authority.issue()]);
  folder.write(first);
  const env = { ...folder.env, PUBLIC_URL: 'https://localhost', TRUSTED_PROXY_HOPS: '0' };
  app = await spawnApp({ env });
}, PATIENCE_MS);
afterAll(async () => {
  await app.close();
  folder.remove();
});

const serialOf = ({ cert }: Pem) => new X509Certificate(cert).serialNumber;
const untilServed = (pair: Pem) =>
  until(async () => (await servedSerial(app.url)) === serialOf(pair), 'the new one is served');
const expectServed = async (pair: Pem) => expect(await servedSerial(app.url)).toBe(serialOf(pair));

/** Waits for the line that says why nothing was taken, and forgets it. */
async function refusedFor(reason: RegExp, write: () => void): Promise<void> {
  const before = app.logs().length;
  write();
  const isRefusal = ({ msg }: { msg: string }) =>
    msg.startsWith('the certificate stays as it is') && reason.test(msg);
  await until(() => app.logs().slice(before).some(isRefusal), `refused: ${reason}`);
}

describe('a renewed certificate', () => {
  it('is served without a restart, while what is under way goes on', async () => {
    const open = await handshake(app.url);
    folder.write(second);
    await untilServed(second);
    expect(open.getPeerCertificate().serialNumber).toBe(serialOf(first));
    open.write('GET /v1/health/live HTTP/1.1\r\nHost: api\r\n\r\n');
    const [answer] = (await once(open, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 /);
    open.destroy();
    const line = await app.logged(({ msg }) => msg === 'the listener has a new certificate');
    expect(line['fingerprint']).toBe(new X509Certificate(second.cert).fingerprint256);
  });

  it('is served when only its chain is new: what was forgotten between it and the root', async () => {
    const { cert } = second;
    const chain = new X509Certificate(authority.pem).raw;
    const sentChain = async () => {
      const socket = await handshake(app.url, { ca: [], rejectUnauthorized: false });
      const peer = socket.getPeerCertificate(true);
      socket.destroy();
      return 'issuerCertificate' in peer && peer.issuerCertificate.raw.equals(chain);
    };
    expect(await sentChain()).toBe(false);
    folder.write({ cert: cert + authority.pem });
    await until(sentChain, 'the chain is served');
    folder.write({ cert });
    await until(async () => !(await sentChain()), 'it is gone again');
  });

  it('keeps to the rules of the listener', async () => {
    await expect(
      handshake(app.url, {
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        ciphers: 'ALL:@SECLEVEL=0',
      }),
    ).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it(
    'fails no request, however often it comes',
    async () => {
      const seen = new Set<string>();
      const statuses = new Map<number, number>();
      const end = performance.now() + 4 * WATCH_MS;
      const ask = async () => {
        while (performance.now() < end) {
          const socket = await handshake(app.url);
          seen.add(socket.getPeerCertificate().serialNumber);
          socket.write('GET /v1/health/live HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n');
          const [answer] = (await once(socket, 'data')) as [Buffer];
          const status = Number(answer.toString('latin1', 9, 12));
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          socket.destroy();
          await sleep(20);
        }
      };
      const alternate = async () => {
        for (let n = 0; performance.now() < end; n += 1) {
          folder.write(n % 2 === 0 ? first : second);
          await sleep(WATCH_MS / 2 + 300);
        }
      };
      await Promise.all([alternate(), ...Array.from({ length: 4 }, ask)]);
      // Beyond its budget a source is told to wait, which is an answer, too.
      expect([...statuses.keys()].filter((status) => status !== 200 && status !== 429)).toEqual([]);
      expect(statuses.get(200)).toBeGreaterThan(50);
      expect(seen).toEqual(new Set([serialOf(first), serialOf(second)]));
    },
    PATIENCE_MS,
  );
});

describe('what could not be served', () => {
  it('is not taken: the new certificate beside the old key, until both are there', async () => {
    folder.write(first);
    await untilServed(first);
    await refusedFor(/not a pair/, () => folder.write({ cert: second.cert }));
    await expectServed(first);
    folder.write({ key: second.key });
    await untilServed(second);
  });

  it.each<[string, RegExp, () => Promise<Partial<Pem>>]>([
    ['the half of a file', /no certificate/, async () => ({ cert: second.cert.slice(0, 300) })],
    ['an empty key', /no private key/, async () => ({ key: '\n' })],
    ['one that has expired', /has expired/, () => authority.issue({ to: -0.01 })],
    ['one for another host', /not for the host/, () => authority.issue({ names: ['x.example'] })],
    ['one with a weak key', /is weak/, () => authority.issue({ rsaBits: 1_024 })],
  ])('is not taken: %s', async (_what, reason, make) => {
    const pair = await make();
    await refusedFor(reason, () => folder.write(pair));
    await expectServed(second);
    folder.write(second);
    await sleep(WATCH_MS + 200);
    await expectServed(second);
  });
});
