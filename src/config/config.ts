import { readTlsPair, type TlsFiles, type TlsPair } from './certificates.js';
import { checkEnvironment, ConfigError, type Environment, type Values } from './environment.js';
import {
  brokenRules,
  databaseRules,
  listenerRules,
  mailRules,
  nodeFlags,
  whereTlsEnds,
  type Rule,
} from './links.js';
import {
  deriveKeys,
  readAppSecret,
  readEncryptionKeys,
  readSigningKeys,
  type DerivedKeys,
  type EncryptionKey,
  type SigningKey,
} from './secrets.js';

/** Everything that the app may know about its surroundings; checked, frozen, made once at start. */
export class Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** Set when TLS ends in this process; the files are then read again whenever they change. */
  readonly tlsFiles: TlsFiles | undefined;
  readonly tlsPair: TlsPair | undefined;
  readonly httpPort: number | undefined;
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
  readonly encryptionKeys: readonly EncryptionKey[];
  /** Set when the keys came from a file, which is read again when a key is not among them. */
  readonly encryptionKeysFile: string | undefined;
  readonly keys: DerivedKeys;

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

    this.httpPort = values.HTTP_PORT;
    this.tlsFiles = tlsFilesOf(values);

    faults.push(...brokenRules(rulesFor(values, env)));
    this.tlsPair = collect(faults, () => this.readTlsPair());
    this.databaseUrl = collect(faults, () => required(values, 'DATABASE_URL')) ?? '';
    const secret = collect(faults, () => this.readSecret(values));
    this.signingKeys = listed(faults, () => this.readKeys(required(values, 'SIGNING_KEYS')));
    this.encryptionKeys = listed(faults, () =>
      this.readEncryptionKeys(required(values, 'ENCRYPTION_KEYS')),
    );
    if (faults.length > 0 || !secret) throw new ConfigError(faults);

    this.signingKeysFile = env['SIGNING_KEYS_FILE'];
    this.encryptionKeysFile = env['ENCRYPTION_KEYS_FILE'];
    this.keys = deriveKeys(secret);
    Object.freeze(this);
  }

  private readSecret(values: Values): Buffer {
    return readAppSecret(required(values, 'APP_SECRET'), this.production);
  }

  /** Reads the certificate and its key as they are now; throws when no client could be served with them. */
  readTlsPair(): TlsPair | undefined {
    // A proxy before us may know the app by another name than its clients do.
    const host = this.trustedProxyHops === 0 ? new URL(this.publicUrl).hostname : undefined;
    return this.tlsFiles && readTlsPair(this.tlsFiles, host);
  }

  /** Reads a key set by the rules of this environment; throws when it breaks one. */
  readKeys(text: string): SigningKey[] {
    return readSigningKeys(text, this.production);
  }

  readEncryptionKeys(text: string): EncryptionKey[] {
    return readEncryptionKeys(text, this.production);
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

const listed = <T>(faults: string[], read: () => T[]): readonly T[] =>
  Object.freeze(collect(faults, read) ?? []);

function required(
  values: Values,
  name: 'DATABASE_URL' | 'APP_SECRET' | 'SIGNING_KEYS' | 'ENCRYPTION_KEYS',
): string {
  const value = values[name];
  if (value) return value;
  throw new Error(`${name} is missing: set ${name}, or ${name}_FILE to a file that holds it`);
}

const isPlain = (url: string) => !url.startsWith('https:');

const tlsFilesOf = ({ TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }: Values) =>
  certFile && keyFile ? Object.freeze({ certFile, keyFile }) : undefined;

const rulesFor = (values: Values, env: Environment): Rule[] => [
  ...(values.NODE_ENV === 'production'
    ? [...productionRules(values, env), whereTlsEnds(values)]
    : []),
  ...listenerRules(values),
];

/** What is allowed while building and not when serving. */
function productionRules(values: Values, env: Environment): Rule[] {
  return [
    [isPlain(values.PUBLIC_URL), 'PUBLIC_URL must start with https:// in production'],
    [
      values.CORS_ORIGINS.some(isPlain),
      'CORS_ORIGINS may name only https:// origins in production',
    ],
    ...mailRules(values),
    [/debug|trace/.test(values.LOG_LEVEL), 'LOG_LEVEL must be info or quieter in production'],
    [
      Boolean(values.DATABASE_OWNER_URL),
      'DATABASE_OWNER_URL is for `npm run migrate` and `npm run audit:retain`: take it away from the server',
    ],
    ...databaseRules(values, env),
    [
      nodeFlags(env).includes('--inspect'),
      'NODE_OPTIONS or the command line opens the debugger: take --inspect away',
    ],
  ];
}
