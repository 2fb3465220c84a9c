import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../src/config/config.js';
import { ConfigError, type Environment } from '../src/config/environment.js';
import {
  createAppSecret,
  createDevelopmentSecrets,
  createEncryptionJwk,
  createSigningJwk,
} from '../src/config/secrets.js';

/** Stands in every wrong value: no message may repeat it. */
const CANARY = 'canary5417';
const keySet = (...keys: unknown[]) => JSON.stringify({ keys });
const jwk = createSigningJwk();
const symmetric = createEncryptionJwk();

const DEVELOPMENT: Environment = {
  APP_SECRET: createAppSecret(),
  SIGNING_KEYS: keySet(jwk),
  ENCRYPTION_KEYS: keySet(symmetric),
  DATABASE_URL: 'postgres://app:secret@127.0.0.1:5432/bulwark',
};
const PRODUCTION: Environment = {
  ...DEVELOPMENT,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://api.example.com',
  DATABASE_URL: 'postgres://app:secret@db.example.com/bulwark?sslmode=verify-full',
  SMTP_URL: 'smtps://app:secret@smtp.example.com',
  MAIL_FROM: 'no-reply@example.com',
};

function faultsOf(env: Environment): readonly string[] {
  try {
    void new Config(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

/** One fault, which begins with the variable and tells the cure but not the value. */
function expectFault(env: Environment, name: string, cure: RegExp): void {
  const faults = faultsOf(env);
  expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  expect(faults.join()).toMatch(cure);
  expect(faults.join()).not.toContain(CANARY);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulwark-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (text: string) => {
  const path = join(folder, crypto.randomUUID());
  writeFileSync(path, text);
  return path;
};

describe('the configuration', () => {
  it('has a safe value for all that is not secret', () => {
    expect(new Config(DEVELOPMENT)).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://localhost:3000',
      databasePoolSize: 10,
      trustedProxyHops: 0,
      corsOrigins: [],
      smtpUrl: undefined,
      breachedPasswordsUrl: undefined,
      mailFrom: 'no-reply@localhost',
      logLevel: 'info',
      signingKeysFile: undefined,
      tlsFiles: undefined,
      tlsPair: undefined,
      httpPort: undefined,
      encryptionKeysFile: undefined,
    });
  });

  it('takes an empty variable for an absent one', () => {
    const env = { ...DEVELOPMENT, PORT: '', CORS_ORIGINS: '', TRUSTED_PROXY_HOPS: '' };
    expect(new Config(env)).toMatchObject({ port: 3000, corsOrigins: [], trustedProxyHops: 0 });
  });

  it('reads every variable', () => {
    const env = {
      ...PRODUCTION,
      HOST: '0.0.0.0',
      PORT: '8080',
      DATABASE_POOL_SIZE: '25',
      TRUSTED_PROXY_HOPS: '2',
      CORS_ORIGINS: 'https://a.example, https://b.example/',
      LOG_LEVEL: 'warn',
      SIGNING_KEYS: keySet(jwk, createSigningJwk()),
      ENCRYPTION_KEYS: keySet(symmetric, createEncryptionJwk(), createEncryptionJwk()),
    };
    const config = new Config(env);
    expect(config).toMatchObject({
      production: true,
      host: '0.0.0.0',
      port: 8080,
      publicUrl: 'https://api.example.com',
      databaseUrl: PRODUCTION['DATABASE_URL'],
      databasePoolSize: 25,
      trustedProxyHops: 2,
      corsOrigins: ['https://a.example', 'https://b.example'],
      smtpUrl: PRODUCTION['SMTP_URL'],
      mailFrom: 'no-reply@example.com',
      logLevel: 'warn',
    });
    expect(config.signingKeys).toHaveLength(2);
    expect(config.encryptionKeys).toHaveLength(3);
    expect(config.keys.emailIndex.equals(config.keys.request)).toBe(false);
    expect(config.keys.cursor.symmetricKeySize).toBe(32);
    expect(config.keys.throttle.equals(config.keys.cursor)).toBe(false);
  });

  it('cannot be changed afterwards', () => {
    const config = new Config(DEVELOPMENT);
    for (const part of [config, config.corsOrigins, config.signingKeys, config.encryptionKeys])
      expect(Object.isFrozen(part)).toBe(true);
    expect(() => Object.assign(config, { production: true })).toThrow(TypeError);
  });

  it('tells all faults at once, each variable once', () => {
    const env = {
      NODE_ENV: 'production',
      PORT: CANARY,
      PUBLIC_URL: CANARY,
      DATABASE_URL: CANARY,
      LOG_LEVEL: 'debug',
      APP_SECRET: 'short',
    };
    const names = faultsOf(env).map((fault) => fault.split(' ')[0]);
    const expected = ['PORT', 'PUBLIC_URL', 'DATABASE_URL', 'LOG_LEVEL', 'APP_SECRET'];
    const missing = ['SIGNING_KEYS', 'ENCRYPTION_KEYS', 'SMTP_URL', 'MAIL_FROM'];
    expect(new Set(names)).toEqual(new Set([...expected, ...missing]));
    expect(names).toHaveLength(9);
    for (const fault of faultsOf(env))
      expect(new ConfigError(faultsOf(env)).message).toContain(`\n  - ${fault}`);
  });
});

const short = Buffer.from(CANARY).toString('base64url');
const repeated = Buffer.from(CANARY.repeat(4)).toString('base64url');
const publicJwk = { ...jwk, d: undefined };
const stranger = createSigningJwk();

type Fault = [name: string, value: string, cure: RegExp];

describe('a variable that is wrong', () => {
  const faults: Fault[] = [
    ['NODE_ENV', `prod${CANARY}`, /one of: development, test, production/],
    ['PORT', CANARY, /from 0 to 65535/],
    ['PORT', '65536', /from 0 to 65535/],
    ['PORT', '-1', /from 0 to 65535/],
    ['PORT', '3e3', /whole number/],
    ['PORT', '0x50', /whole number/],
    ['DATABASE_POOL_SIZE', '1', /from 2 to 200/],
    ['DATABASE_POOL_SIZE', '1000', /from 2 to 200/],
    ['TRUSTED_PROXY_HOPS', '9', /from 0 to 8/],
    ['TRUSTED_PROXY_HOPS', 'true', /whole number/],
    ['PUBLIC_URL', CANARY, /origin like https:/],
    ['PUBLIC_URL', `https://api.example.com/${CANARY}`, /without path/],
    ['PUBLIC_URL', `https://${CANARY}@api.example.com`, /without path, user/],
    ['PUBLIC_URL', `ftp://${CANARY}.example`, /origin like https:/],
    ['CORS_ORIGINS', '*', /wildcard/],
    ['CORS_ORIGINS', `https://a.example,${CANARY}`, /origin like/],
    ['CORS_ORIGINS', 'null', /origin like/],
    ['LOG_LEVEL', CANARY, /one of: fatal, error/],
    ['DATABASE_URL', `mysql://${CANARY}@db/x`, /must look like postgres:/],
    ['DATABASE_URL', `host=db password=${CANARY}`, /must look like postgres:/],
    ['DATABASE_URL', `postgres://app:${CANARY}@db`, /must look like postgres:/],
    ['DATABASE_OWNER_URL', CANARY, /must look like postgres:/],
    ['BREACHED_PASSWORDS_URL', CANARY, /must look like https:/],
    ['BREACHED_PASSWORDS_URL', `http://${CANARY}.example/range/`, /must look like https:/],
    ['BREACHED_PASSWORDS_URL', `https://${CANARY}.example/range`, /must look like https:/],
    ['BREACHED_PASSWORDS_URL', `https://${CANARY}.example/?prefix=/`, /must look like https:/],
    ['SMTP_URL', CANARY, /must look like smtps:/],
    ['SMTP_URL', `https://${CANARY}.example`, /must look like smtps:/],
    ['SMTP_URL', `smtps://${CANARY}.example/path`, /must look like smtps:/],
    // What a mailer would take from the query: to trust any certificate, to send elsewhere.
    ['SMTP_URL', `smtps://${CANARY}.example?tls.rejectUnauthorized=false`, /must look like/],
    ['SMTP_URL', `smtp://${CANARY}.example?requireTLS=false`, /must look like smtps:/],
    ['SMTP_URL', `smtp://${CANARY}.example?requireTLS=true&ignoreTLS=true`, /must look like/],
    ['MAIL_FROM', CANARY, /one bare address/],
    ['MAIL_FROM', `Bulwark <${CANARY}@example.com>`, /one bare address/],
    ['MAIL_FROM', `a@example.com,${CANARY}@example.com`, /one bare address/],
    ['MAIL_FROM', `a@example.com\r\nBcc: ${CANARY}@example.com`, /one bare address/],
    ['APP_SECRET', '', /set APP_SECRET, or APP_SECRET_FILE/],
    ['APP_SECRET', short, /32 random bytes/],
    ['APP_SECRET', `${CANARY}, which is a sentence and not base64url`, /as base64url/],
    ['APP_SECRET', repeated, /secrets:create/],
    ['APP_SECRET', 'A'.repeat(64), /secrets:create/],
    ['SIGNING_KEYS', '', /set SIGNING_KEYS, or SIGNING_KEYS_FILE/],
    ['SIGNING_KEYS', CANARY, /secrets:create/],
    ['SIGNING_KEYS', 'null', /of one or two keys/],
    ['SIGNING_KEYS', keySet(), /of one or two keys/],
    ['SIGNING_KEYS', keySet(jwk, stranger, createSigningJwk()), /of one or two keys/],
    ['SIGNING_KEYS', keySet(null), /without a "kid"/],
    ['SIGNING_KEYS', keySet({ ...jwk, kid: '' }), /without a "kid"/],
    ['SIGNING_KEYS', keySet(jwk, jwk), /two keys with the same "kid"/],
    ['SIGNING_KEYS', keySet(publicJwk), /not a private EC key/],
    ['SIGNING_KEYS', keySet({ ...jwk, d: CANARY }), /not a private EC key/],
    ['SIGNING_KEYS', keySet({ ...jwk, d: stranger.d }), /not a private EC key/],
    ['SIGNING_KEYS', keySet({ kty: 'oct', k: CANARY, kid: 'symmetric' }), /not a private EC key/],
    ['SIGNING_KEYS', keySet({ ...jwk, crv: 'P-384' }), /not a private EC key/],
    ['ENCRYPTION_KEYS', CANARY, /secrets:create/],
    ['ENCRYPTION_KEYS', '{}', /JWK set/],
    ['ENCRYPTION_KEYS', 'null', /JWK set/],
    ['ENCRYPTION_KEYS', keySet(), /one to ten keys/],
    ['ENCRYPTION_KEYS', keySet(...Array.from({ length: 11 }, () => symmetric)), /one to ten keys/],
    ['ENCRYPTION_KEYS', keySet(null), /"kid"/],
    ['ENCRYPTION_KEYS', keySet({ ...symmetric, kid: undefined }), /"kid"/],
    ['ENCRYPTION_KEYS', keySet(symmetric, symmetric), /same "kid"/],
    ['ENCRYPTION_KEYS', keySet({ ...symmetric, k: CANARY }), /32 random bytes/],
    ['ENCRYPTION_KEYS', keySet({ ...symmetric, k: 'A'.repeat(43) }), /32 random bytes/],
    ['ENCRYPTION_KEYS', keySet({ ...symmetric, k: undefined }), /32 random bytes/],
    ['ENCRYPTION_KEYS', keySet({ ...symmetric, kty: 'RSA' }), /32 random bytes/],
    ['ENCRYPTION_KEYS', keySet(jwk), /32 random bytes/],
  ];
  it.each(faults)(
    'is named with its cure and without its value: %s, case %#',
    (name, value, cure) => {
      expectFault({ ...DEVELOPMENT, [name]: value }, name, cure);
    },
  );
});

describe('production', () => {
  it('starts with real secrets and TLS', () => {
    expect(faultsOf(PRODUCTION)).toEqual([]);
  });

  it('refuses to start with nothing', () => {
    const names = faultsOf({ NODE_ENV: 'production' }).map((fault) => fault.split(' ')[0]);
    expect(names).toEqual([
      'PUBLIC_URL',
      'SMTP_URL',
      'MAIL_FROM',
      'DATABASE_URL',
      'APP_SECRET',
      'SIGNING_KEYS',
      'ENCRYPTION_KEYS',
    ]);
  });

  const database = 'postgres://app:canary5417@db.example.com/bulwark';
  const faults: Fault[] = [
    ['APP_SECRET', short, /32 random bytes/],
    ['APP_SECRET', repeated, /secrets:create/],
    ['PUBLIC_URL', 'http://api.example.com', /https:/],
    ['CORS_ORIGINS', 'https://a.example,http://b.example', /https:/],
    ['LOG_LEVEL', 'debug', /info or quieter/],
    ['LOG_LEVEL', 'trace', /info or quieter/],
    ['DATABASE_OWNER_URL', `${database}?sslmode=verify-full`, /take it away/],
    ['DATABASE_URL', database, /sslmode=verify-full/],
    ['DATABASE_URL', `${database}?sslmode=disable`, /sslmode=verify-full/],
    ['DATABASE_URL', `${database}?sslmode=require`, /sslmode=verify-full/],
    ['DATABASE_URL', `${database}?sslmode=verify-ca`, /sslmode=verify-full/],
    ['DATABASE_URL', `${database}?sslmode=no-verify`, /sslmode=verify-full/],
    ['DATABASE_URL', `${database}?ssl=true`, /sslmode=verify-full/],
    // Readers differ in which of two they take.
    ['DATABASE_URL', `${database}?sslmode=verify-full&sslmode=disable`, /sslmode=verify-full/],
    ['DATABASE_URL', 'postgres://a:b@localhost/bulwark?host=db.example.com', /verify-full/],
    ['DATABASE_URL', 'postgres://a:b@localhost.example.com/bulwark', /verify-full/],
    ['DATABASE_URL', 'postgres://a:b@127.0.0.1.example.com/bulwark', /verify-full/],
    ['DATABASE_URL', 'postgres://localhost:b@db.example.com/bulwark', /verify-full/],
    ['SMTP_URL', '', /set SMTP_URL, or SMTP_URL_FILE/],
    ['SMTP_URL', 'smtp://canary5417@smtp.example.com', /requireTLS=true/],
    ['SMTP_URL', 'smtp://canary5417@localhost.example.com', /requireTLS=true/],
    ['SMTP_URL', 'smtp://localhost:canary5417@smtp.example.com', /requireTLS=true/],
    ['MAIL_FROM', '', /an address of yours/],
    ['MAIL_FROM', 'canary5417@localhost', /an address of yours/],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0', /take it away/],
    ['NODE_OPTIONS', '--max-old-space-size=512 --inspect=0.0.0.0', /take --inspect away/],
    ['NODE_OPTIONS', '--tls-keylog=/tmp/canary5417', /take --tls-keylog/],
    ['NODE_OPTIONS', '--tls-min-v1.0', /--tls-min-v1.0 or 1.1 away/],
    ['NODE_OPTIONS', '--tls_min_v1.1', /--tls-min-v1.0 or 1.1 away/],
    ['NODE_OPTIONS', '--tls-min_v1.0', /--tls-min-v1.0 or 1.1 away/],
    ['NODE_OPTIONS', '--tls_keylog=/tmp/canary5417', /take --tls-keylog/],
    ['HOST', '0.0.0.0', /TLS_CERT_FILE and TLS_KEY_FILE, or TRUSTED_PROXY_HOPS/],
    ['HOST', '::', /TRUSTED_PROXY_HOPS/],
    ['HOST', '127.0.0.1.example.com', /TRUSTED_PROXY_HOPS/],
  ];
  it.each(faults)('refuses %s=%s', (name, value, cure) => {
    expectFault({ ...PRODUCTION, [name]: value }, name, cure);
  });

  const marked = ['APP_SECRET', 'SIGNING_KEYS', 'ENCRYPTION_KEYS'] as const;
  it.each(marked)('refuses the %s of development', (name) => {
    const made = createDevelopmentSecrets();
    expect(faultsOf({ ...DEVELOPMENT, ...made })).toEqual([]);
    expectFault({ ...PRODUCTION, [name]: made[name] }, name, /made for development/);
  });

  it.each(['localhost', '127.0.0.1', '[::1]'])('needs no TLS to %s', (host) => {
    expect(faultsOf({ ...PRODUCTION, DATABASE_URL: `postgres://a:b@${host}/bulwark` })).toEqual([]);
    expect(faultsOf({ ...PRODUCTION, SMTP_URL: `smtp://${host}:1025` })).toEqual([]);
  });
});

describe('the mail server of production', () => {
  it.each(['smtps://a:b@smtp.example.com', 'smtp://a:b@smtp.example.com:587?requireTLS=true'])(
    'is reached with TLS: %s',
    (url) => {
      expect(faultsOf({ ...PRODUCTION, SMTP_URL: url })).toEqual([]);
    },
  );
});

const SECRETS = ['APP_SECRET', 'SIGNING_KEYS', 'ENCRYPTION_KEYS', 'DATABASE_URL', 'SMTP_URL'];

describe('a secret in a file', () => {
  it.each(SECRETS)('is read: %s', (name) => {
    const path = file(`${PRODUCTION[name]}\n`);
    const config = new Config({ ...PRODUCTION, [name]: undefined, [`${name}_FILE`]: path });
    const direct = new Config(PRODUCTION);
    expect(config.databaseUrl).toBe(direct.databaseUrl);
    expect(config.smtpUrl).toBe(direct.smtpUrl);
    expect(config.keys.throttle.equals(direct.keys.throttle)).toBe(true);
    expect(config.signingKeys.map(({ kid }) => kid)).toEqual([jwk.kid]);
    expect(config.signingKeysFile).toBe(name === 'SIGNING_KEYS' ? path : undefined);
    expect(config.encryptionKeys.map(({ kid }) => kid)).toEqual([symmetric.kid]);
    expect(config.encryptionKeysFile).toBe(name === 'ENCRYPTION_KEYS' ? path : undefined);
  });

  it.each(SECRETS)('is refused beside %s', (name) => {
    expectFault({ ...PRODUCTION, [`${name}_FILE`]: file('x') }, name, /not both/);
  });

  it.each(SECRETS)('must be there: %s', (name) => {
    const env = { ...PRODUCTION, [name]: undefined, [`${name}_FILE`]: join(folder, CANARY) };
    expectFault(env, name, new RegExp(`file that ${name}_FILE names`));
  });

  it('is held to the same rules', () => {
    const env = { ...PRODUCTION, APP_SECRET: undefined, APP_SECRET_FILE: file(short) };
    expectFault(env, 'APP_SECRET', /32 random bytes/);
  });

  it('is not looked for where no secret is: PORT_FILE', () => {
    expect(new Config({ ...DEVELOPMENT, PORT_FILE: file('8080') }).port).toBe(3000);
  });
});
