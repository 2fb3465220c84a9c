import type { KeyObject } from 'node:crypto';
import { checkEnvironment, ConfigError, type Environment, type Values } from './environment.js';
import {
  deriveAuditKeys,
  deriveKey,
  readAppSecret,
  readSigningKeys,
  type AuditKeys,
  type SigningKey,
} from './secrets.js';

/** Everything that the app may know about its surroundings; checked, frozen, made once at start. */
export class Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  readonly trustedProxyHops: number;
  readonly corsOrigins: readonly string[];
  /** Absent outside production only: mails are files then. */
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string;
  readonly adminsNeedSecondFactor: boolean;
  readonly breachedPasswordsUrl: string | undefined;
  readonly logLevel: Values['LOG_LEVEL'];
  readonly signingKeys: readonly SigningKey[];
  /** Set when the keys came from a file, which is then read again whenever it changes. */
  readonly signingKeysFile: string | undefined;
  readonly cursorKey: KeyObject;
  readonly throttleKey: KeyObject;
  readonly fieldKey: KeyObject;
  readonly audit: Readonly<AuditKeys>;

  constructor(env: Environment) {
    const { values, faults } = checkEnvironment(env);
    this.production = values.NODE_ENV === 'production';
    this.host = values.HOST;
    this.port = values.PORT;
    this.publicUrl = values.PUBLIC_URL;
    this.databasePoolSize = values.DATABASE_POOL_SIZE;
    this.trustedProxyHops = values.TRUSTED_PROXY_HOPS;
    this.corsOrigins = Object.freeze(values.CORS_ORIGINS);
    this.smtpUrl = values.SMTP_URL;
    this.mailFrom = values.MAIL_FROM;
    this.adminsNeedSecondFactor = values.ADMIN_SECOND_FACTOR === 'required';
    this.breachedPasswordsUrl = values.BREACHED_PASSWORDS_URL;
    this.logLevel = values.LOG_LEVEL;

    if (this.production) faults.push(...productionFaults(values, env));
    this.databaseUrl = collect(faults, () => required(values, 'DATABASE_URL')) ?? '';
    const secret = collect(faults, () =>
      readAppSecret(required(values, 'APP_SECRET'), this.production),
    );
    this.signingKeys = Object.freeze(
      collect(faults, () => this.readKeys(required(values, 'SIGNING_KEYS'))) ?? [],
    );
    if (faults.length > 0 || !secret) throw new ConfigError(faults);

    this.signingKeysFile = env['SIGNING_KEYS_FILE'];
    this.cursorKey = deriveKey(secret, 'cursor');
    this.throttleKey = deriveKey(secret, 'throttle');
    this.fieldKey = deriveKey(secret, 'fields');
    this.audit = Object.freeze(deriveAuditKeys(secret));
    Object.freeze(this);
  }

  /** Reads a key set by the rules of this environment; throws when it breaks one. */
  readKeys(text: string): SigningKey[] {
    return readSigningKeys(text, this.production);
  }
}

/** Goes on after a fault, so that the operator is told of all at once. */
function collect<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    faults.push((error as Error).message);
    return undefined;
  }
}

function required(values: Values, name: 'DATABASE_URL' | 'APP_SECRET' | 'SIGNING_KEYS'): string {
  const value = values[name];
  if (value) return value;
  throw new Error(`${name} is missing: set ${name}, or ${name}_FILE to a file that holds it`);
}

const isPlain = (url: string) => !url.startsWith('https:');

type Rule = [isBroken: boolean | undefined, fault: string];

/** What is allowed while building and not when serving. */
function productionFaults(values: Values, env: Environment): string[] {
  const { DATABASE_URL: databaseUrl } = values;
  const rules: Rule[] = [
    [isPlain(values.PUBLIC_URL), 'PUBLIC_URL must start with https:// in production'],
    [
      values.CORS_ORIGINS.some(isPlain),
      'CORS_ORIGINS may name only https:// origins in production',
    ],
    ...mailFaults(values),
    [/debug|trace/.test(values.LOG_LEVEL), 'LOG_LEVEL must be info or quieter in production'],
    [
      Boolean(values.DATABASE_OWNER_URL),
      'DATABASE_OWNER_URL belongs to `npm run migrate`: take it away from the server',
    ],
    [
      databaseUrl !== undefined && !isDatabaseLinkSafe(databaseUrl),
      'DATABASE_URL leaves this machine without TLS: add ?sslmode=verify-full',
    ],
    // Node's own switches: one makes verify-full verify nothing, the other hands the process over.
    [
      env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
      'NODE_TLS_REJECT_UNAUTHORIZED accepts any certificate: take it away',
    ],
    [
      env['NODE_OPTIONS']?.includes('--inspect'),
      'NODE_OPTIONS opens the debugger: take --inspect away',
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, fault]) => fault);
}

function mailFaults({ SMTP_URL: smtpUrl, MAIL_FROM: from }: Values): Rule[] {
  return [
    [!smtpUrl, 'SMTP_URL is missing: set SMTP_URL, or SMTP_URL_FILE to a file that holds it'],
    [
      smtpUrl !== undefined && !isMailLinkSafe(new URL(smtpUrl)),
      'SMTP_URL leaves this machine without TLS: use smtps://, or add ?requireTLS=true',
    ],
    [from.endsWith('@localhost'), 'MAIL_FROM is missing: set it to an address of yours'],
  ];
}

/** Without requireTLS, who stands in between answers that there is no TLS, and reads along (RFC 8314). */
const isMailLinkSafe = ({ protocol, hostname, searchParams }: URL): boolean =>
  protocol === 'smtps:' || searchParams.has('requireTLS') || isThisMachine(hostname);

const isThisMachine = (hostname: string) =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

/** sslmode "require" and "prefer" accept any certificate, so only verify-full counts (ASVS 12.3.2). */
function isDatabaseLinkSafe(databaseUrl: string): boolean {
  const url = new URL(databaseUrl);
  const moved = url.searchParams.has('host') || url.searchParams.has('hostaddr');
  const modes = url.searchParams.getAll('sslmode');
  return (
    (isThisMachine(url.hostname) && !moved) || (modes.length === 1 && modes[0] === 'verify-full')
  );
}
