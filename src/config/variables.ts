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
    about: 'The same database as its owner. Read by `npm run migrate` only, never by the server.',
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
    about: 'How many proxies of your own stand before the app. 0: X-Forwarded-For is ignored.',
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
      'At least 32 random bytes as base64url; keys for cursors, counters and sealed fields derive from it.',
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

function oneOf<T extends string>(...allowed: T[]) {
  return (text: string): T => {
    const found = allowed.find((value) => value === text);
    if (!found) throw new Error(`must be one of: ${allowed.join(', ')}`);
    return found;
  };
}

function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

function origin(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, ''))
    throw new Error(
      'must be an origin like https://api.example.com, without path, user or wildcard',
    );
  return url.origin;
}

function postgresUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || url.pathname.length < 2)
    throw new Error('must look like postgres://user:password@host:5432/database');
  return text;
}

/** Nothing but `requireTLS` may stand in the query: a mailer would take more, and trust anybody. */
function smtpUrl(text: string): string {
  const url = URL.parse(text);
  const isBare = url && /^(\?requireTLS=true)?$/.test(url.search) && /^\/?$/.test(url.pathname);
  if (!isBare || !/^smtps?:$/.test(url.protocol) || !url.hostname)
    throw new Error('must look like smtps://user:password@host or smtp://host?requireTLS=true');
  return text;
}

function breachedPasswordsUrl(text: string): string {
  const url = URL.parse(text);
  const isBare = url && url.search === '' && url.hash === '' && url.pathname.endsWith('/');
  // Who listens on the way would learn what the list does, and could answer for it.
  if (!isBare || (url.protocol !== 'https:' && url.hostname !== '127.0.0.1'))
    throw new Error('must look like https://api.example.com/range/');
  return url.href;
}

function mailAddress(text: string): string {
  if (!/^[^\s@<>,"]+@[^\s@<>,"]+$/.test(text))
    throw new Error('must be one bare address like no-reply@example.com');
  return text;
}
