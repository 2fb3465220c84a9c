import {
  breachedPasswordsUrl,
  integer,
  mailAddress,
  oneOf,
  origin,
  postgresUrl,
  smtpUrl,
} from './readers.js';

/** One environment variable: what it is for, what it is when absent, and how its text is read. */
export interface Variable<T> {
  about: string;
  /** Shown in `.env.example` and the README; no secret ever has one. */
  example: string;
  /** A secret may also come from the file named in `<NAME>_FILE`, and has no default in production. */
  secret?: true;
  /** The text used when the variable is absent. Without it, absence means `undefined`. */
  fallback?: string;
  /** Throws an Error whose message says what is wrong and how to mend it, never the value. */
  read: (text: string) => T;
}

const MAX_PROXY_HOPS = 8;

/** Every variable that Bulwark reads. `.env.example` and the README's table are generated from here. */
export const VARIABLES = {
  NODE_ENV: {
    about: 'development, test or production. Production refuses every shortcut of the other two.',
    example: 'production',
    fallback: 'development',
    read: oneOf('development', 'test', 'production'),
  },
  HOST: {
    about: 'Address to listen on.',
    example: '127.0.0.1',
    fallback: '127.0.0.1',
    read: (text: string) => text,
  },
  PORT: {
    about: 'TCP port to listen on; 0 picks a free one.',
    example: '3000',
    fallback: '3000',
    read: integer(0, 65_535),
  },
  TLS_CERT_FILE: {
    about:
      'File with the certificate, and those between it and the root, as PEM: the listener then speaks ' +
      'HTTPS, and takes renewed files without a restart.',
    example: '/etc/tls/fullchain.pem',
    read: (text: string) => text,
  },
  TLS_KEY_FILE: {
    about: 'File with the private key of that certificate, as PEM.',
    example: '/etc/tls/privkey.pem',
    read: (text: string) => text,
  },
  HTTP_PORT: {
    about:
      'Beside TLS_CERT_FILE: a port for plain HTTP, which sends people to the pages over TLS and ' +
      'refuses all else. Absent: none.',
    example: '3080',
    read: integer(0, 65_535),
  },
  PUBLIC_URL: {
    about: 'The address under which clients reach the API. It is the issuer of the tokens.',
    example: 'https://api.example.com',
    fallback: 'http://localhost:3000',
    read: origin,
  },
  DATABASE_URL: {
    about:
      "PostgreSQL, as the app's role, which may read and write rows and nothing else. " +
      'Absent: development and tests start their own server.',
    example: 'postgres://bulwark:PASSWORD@db.example.com:5432/bulwark?sslmode=verify-full',
    secret: true,
    read: postgresUrl,
  },
  DATABASE_OWNER_URL: {
    about:
      'The same database as its owner, for `npm run migrate` and `npm run audit:retain`. Not for the server: ' +
      'keep it out of its environment.',
    example: 'postgres://owner:PASSWORD@db.example.com:5432/bulwark?sslmode=verify-full',
    secret: true,
    read: postgresUrl,
  },
  DATABASE_POOL_SIZE: {
    about: 'Connections that one instance holds at the most.',
    example: '10',
    fallback: '10',
    read: integer(2, 200),
  },
  TRUSTED_PROXY_HOPS: {
    about:
      'How many proxies of your own stand before the app. 0: X-Forwarded-For and X-Forwarded-Proto ' +
      'are ignored.',
    example: '1',
    fallback: '0',
    read: integer(0, MAX_PROXY_HOPS),
  },
  CORS_ORIGINS: {
    about: 'Browser origins that may read answers, separated by commas. Empty: none.',
    example: 'https://app.example.com',
    fallback: '',
    read: (text: string) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)
        .map(origin),
  },
  APP_SECRET: {
    about:
      'At least 32 random bytes as base64url; keys for cursors, counters and blind indexes derive from it.',
    example: '',
    secret: true,
    read: (text: string) => text,
  },
  SIGNING_KEYS: {
    about: 'JWK set of one or two ES256 private keys: the first signs, both verify.',
    example: '',
    secret: true,
    read: (text: string) => text,
  },
  ENCRYPTION_KEYS: {
    about:
      'JWK set of one or more 256-bit keys ("kty": "oct"): the first wraps data keys, all unwrap them.',
    example: '',
    secret: true,
    read: (text: string) => text,
  },
  SMTP_URL: {
    about:
      'The mail server: smtps://, or smtp:// with ?requireTLS=true. ' +
      'Absent: development and tests write mails to `.data/outbox/`.',
    example: 'smtps://user:PASSWORD@smtp.example.com',
    secret: true,
    read: smtpUrl,
  },
  MAIL_FROM: {
    about: 'The address that mails come from.',
    example: 'no-reply@example.com',
    fallback: 'no-reply@localhost',
    read: mailAddress,
  },
  ADMIN_SECOND_FACTOR: {
    about: 'optional or required. Required: without a second factor, nobody administers.',
    example: 'required',
    fallback: 'optional',
    read: oneOf('optional', 'required'),
  },
  BREACHED_PASSWORDS_URL: {
    about:
      'A list of breached passwords that is asked by k-anonymity, up to the prefix. ' +
      'Absent: only the list that comes with the app.',
    example: 'https://api.pwnedpasswords.com/range/',
    read: breachedPasswordsUrl,
  },
  LOG_LEVEL: {
    about: 'fatal, error, warn, info, debug or trace (production: info at the most).',
    example: 'info',
    fallback: 'info',
    read: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace'),
  },
} as const satisfies Record<string, Variable<unknown>>;
