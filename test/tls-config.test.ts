import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { Config } from '../src/config/config.js';
import { ConfigError, type Environment } from '../src/config/environment.js';
import { Authority, TlsFolder } from './support/certificates.js';
import { productionEnvironment, run, source } from './support/child.js';

type Pem = Awaited<ReturnType<Authority['issue']>>;

const folder = new TlsFolder();
let authority: Authority;
let good: Pem;
let base: Environment;

beforeAll(async () => {
  authority = await Authority.create();
  good = await authority.issue({ names: ['api.example.org'] });
  base = {
    ...productionEnvironment('postgres://a:b@127.0.0.1/bulwark'),
    ...folder.env,
    HOST: '0.0.0.0',
    TRUSTED_PROXY_HOPS: '0',
  };
});
afterAll(() => folder.remove());

function faultsOf(pair: Partial<Pem>, env: Environment = {}): readonly string[] {
  folder.write({ ...good, ...pair });
  try {
    void new Config({ ...base, ...env });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

const encrypted = ({ key }: Pem) =>
  createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }) as string;

describe('TLS_CERT_FILE and TLS_KEY_FILE', () => {
  it('are read, and are enough to be reached from elsewhere without a proxy', () => {
    expect(faultsOf({})).toEqual([]);
    const config = new Config({ ...base, HTTP_PORT: '8080' });
    expect(config).toMatchObject({ tlsFiles: folder.files, tlsPair: good, httpPort: 8080 });
    expect(Object.isFrozen(config.tlsFiles)).toBe(true);
  });

  it('may be RSA, with a chain behind the own certificate', async () => {
    const pair = await authority.issue({ names: ['api.example.org'], rsaBits: 2_048 });
    expect(faultsOf({ ...pair, cert: pair.cert + authority.pem })).toEqual([]);
  });

  it('may name another host behind a proxy, which knows the app by another name', async () => {
    const pair = await authority.issue({ names: ['app.internal'] });
    expect(faultsOf(pair, { TRUSTED_PROXY_HOPS: '1' })).toEqual([]);
  });

  const PAIRS: [string, () => Promise<Partial<Pem>>, RegExp][] = [
    ['no PEM', async () => ({ cert: 'x' }), /^TLS_CERT_FILE holds no certificate/],
    ['a key for a certificate', async () => ({ cert: good.key }), /^TLS_CERT_FILE holds no/],
    ['no key', async () => ({ key: 'x' }), /^TLS_KEY_FILE holds no private key/],
    ['a certificate for a key', async () => ({ key: good.cert }), /^TLS_KEY_FILE holds no/],
    ['a key with a passphrase', async () => ({ key: encrypted(good) }), /without a passphrase/],
    [
      'two that are not a pair',
      async () => ({ cert: (await authority.issue({ names: ['api.example.org'] })).cert }),
      /^TLS_CERT_FILE and TLS_KEY_FILE are not a pair/,
    ],
    [
      'the chain before the own one',
      async () => ({ cert: authority.pem + good.cert }),
      /not a pair: put the server’s own one first/,
    ],
    [
      'one that has expired',
      () => authority.issue({ names: ['api.example.org'], to: -0.01 }),
      /^TLS_CERT_FILE has expired/,
    ],
    [
      'one that is not valid yet',
      () => authority.issue({ names: ['api.example.org'], from: 1 }),
      /^TLS_CERT_FILE is not valid yet/,
    ],
    [
      'RSA of 1024 bits',
      () => authority.issue({ names: ['api.example.org'], rsaBits: 1_024 }),
      /^TLS_KEY_FILE is weak/,
    ],
    [
      'one for another host',
      () => authority.issue({ names: ['api.example.com', '*.api.example.org'] }),
      /^TLS_CERT_FILE is not for the host of PUBLIC_URL/,
    ],
  ];
  it.each(PAIRS)('are refused, with the cure: %s', async (_what, make, cure) => {
    const faults = faultsOf(await make());
    expect(faults).toEqual([expect.stringMatching(cure)]);
    expect(faults.join()).not.toMatch(/BEGIN|MII/);
  });

  const VARIABLES: [string, Environment, RegExp][] = [
    ['no key', { TLS_KEY_FILE: '' }, /^TLS_KEY_FILE is missing/],
    ['no certificate', { TLS_CERT_FILE: '', HOST: '' }, /^TLS_CERT_FILE is missing/],
    ['a file that is not there', { TLS_CERT_FILE: '/nowhere' }, /^TLS_CERT_FILE names a file/],
    ['a folder', { TLS_KEY_FILE: '/' }, /^TLS_KEY_FILE names a file that cannot be read/],
    ['a host with two addresses', { HOST: 'localhost' }, /^HOST must be an address/],
    [
      'an address without TLS',
      { NODE_ENV: '', PUBLIC_URL: 'http://a.example' },
      /^PUBLIC_URL must/,
    ],
    [
      'a port for plain HTTP, and no TLS',
      { TLS_CERT_FILE: '', TLS_KEY_FILE: '', HOST: '', HTTP_PORT: '80' },
      /^HTTP_PORT is for a listener that ends TLS/,
    ],
    ['a port that is none', { HTTP_PORT: '70000' }, /^HTTP_PORT must be a whole number/],
  ];
  it.each(VARIABLES)('are refused with %s', (_what, env, cure) => {
    const faults = faultsOf({}, env);
    expect(faults[0]).toMatch(cure);
    expect(faults.join()).not.toMatch(/BEGIN|MII/);
  });
});

describe('flags of Node’s own', () => {
  it.each([
    ['--tls-min-v1.0', 'weakens TLS'],
    ['--tls_min_v1.1', 'weakens TLS'],
    ['--tls_keylog=/dev/null', 'weakens TLS'],
    ['--inspect=127.0.0.1:0', 'opens the debugger'],
  ])('are refused on the command line, too: %s', async (flag, fault) => {
    folder.write(good);
    const { code, output } = await run([flag, ...source('main.ts')], { env: base });
    expect([code, output]).toEqual([1, expect.stringContaining(fault)]);
  });
});
