import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

const MIN_SECRET_BYTES = 32;
const ENCRYPTION_KEY_BYTES = 32;
/** One wraps; the others are being rotated out. */
const MAX_ENCRYPTION_KEYS = 10;
/** 32 random bytes have about 30 distinct values; typed or repeated text has far fewer. */
const MIN_DISTINCT_BYTES = 20;
/** Secrets that development made for itself carry this mark, so that production can refuse them. */
export const DEVELOPMENT_MARK = 'dev-';
const PROBE = Buffer.from('probe');

export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** Wraps data keys: see src/crypto. */
export interface EncryptionKey {
  kid: string;
  key: KeyObject;
}

/** A new value for APP_SECRET. */
export function createAppSecret(mark = ''): string {
  return mark + randomBytes(MIN_SECRET_BYTES).toString('base64url');
}

/** A new private key as a JWK, to stand in the set of SIGNING_KEYS. */
export function createSigningJwk(mark = ''): JsonWebKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = mark + randomBytes(9).toString('base64url');
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

/** A new symmetric key as a JWK, to stand in the set of ENCRYPTION_KEYS. */
export function createEncryptionJwk(mark = ''): JsonWebKey {
  const kid = mark + randomBytes(9).toString('base64url');
  return { kty: 'oct', kid, k: randomBytes(ENCRYPTION_KEY_BYTES).toString('base64url') };
}

export const createDevelopmentSecrets = () => ({
  APP_SECRET: createAppSecret(DEVELOPMENT_MARK),
  SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk(DEVELOPMENT_MARK)] }),
  ENCRYPTION_KEYS: JSON.stringify({ keys: [createEncryptionJwk(DEVELOPMENT_MARK)] }),
});

/** The bytes of APP_SECRET; throws when it is short, guessable or (in production) made for development. */
export function readAppSecret(text: string, production: boolean): Buffer {
  if (production && text.startsWith(DEVELOPMENT_MARK))
    throw new Error('APP_SECRET was made for development: make one with `npm run secrets:create`');
  const bare = text.replace(DEVELOPMENT_MARK, '');
  const bytes = Buffer.from(bare, 'base64url');
  if (!/^[\w-]+={0,2}$/.test(bare) || bytes.length < MIN_SECRET_BYTES)
    throw new Error(`APP_SECRET must be ${MIN_SECRET_BYTES} random bytes or more, as base64url`);
  if (isRepetitive(bytes))
    throw new Error('APP_SECRET has too little randomness: make one with `npm run secrets:create`');
  return bytes;
}

/** One or two ES256 keys from a JWK set; throws when the set is anything else. */
export function readSigningKeys(text: string, production: boolean): SigningKey[] {
  const { keys } = parseKeySet('SIGNING_KEYS', text);
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > 2)
    throw new Error('SIGNING_KEYS must be a JWK set, {"keys": [...]}, of one or two keys');
  return distinct(
    'SIGNING_KEYS',
    keys.map((jwk) => readSigningKey(jwk, production)),
  );
}

/** One or more 256-bit keys from a JWK set; throws when the set is anything else. */
export function readEncryptionKeys(text: string, production: boolean): EncryptionKey[] {
  const { keys } = parseKeySet('ENCRYPTION_KEYS', text);
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > MAX_ENCRYPTION_KEYS)
    throw new Error('ENCRYPTION_KEYS must be a JWK set, {"keys": [...]}, of one to ten keys');
  return distinct(
    'ENCRYPTION_KEYS',
    keys.map((jwk) => readEncryptionKey(jwk, production)),
  );
}

function readEncryptionKey(jwk: JsonWebKey | null, production: boolean): EncryptionKey {
  const kid = readKid('ENCRYPTION_KEYS', jwk, production);
  const bytes = Buffer.from(String(jwk?.k), 'base64url');
  if (jwk?.kty !== 'oct' || bytes.length !== ENCRYPTION_KEY_BYTES || isRepetitive(bytes))
    throw new Error('ENCRYPTION_KEYS has a key that is not 32 random bytes ("kty": "oct", "k")');
  return { kid, key: createSecretKey(bytes) };
}

const isRepetitive = (bytes: Buffer) => new Set(bytes).size < MIN_DISTINCT_BYTES;

function distinct<Key extends { kid: string }>(name: string, keys: Key[]): Key[] {
  if (new Set(keys.map((key) => key.kid)).size !== keys.length)
    throw new Error(`${name} has two keys with the same "kid"`);
  return keys;
}

function parseKeySet(name: string, text: string): { keys?: (JsonWebKey | null)[] } {
  try {
    return (JSON.parse(text) ?? {}) as { keys?: (JsonWebKey | null)[] };
  } catch {
    throw new Error(`${name} is not JSON: make one with \`npm run secrets:create\``);
  }
}

function readSigningKey(jwk: JsonWebKey | null, production: boolean): SigningKey {
  const kid = readKid('SIGNING_KEYS', jwk, production);
  const pair = findKeyPair(jwk ?? {});
  if (!pair) throw new Error('SIGNING_KEYS has a key that is not a private EC key on P-256');
  return { kid, ...pair };
}

function findKeyPair(jwk: JsonWebKey): Omit<SigningKey, 'kid'> | undefined {
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || !jwk.d) return undefined;
  try {
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    const publicKey = createPublicKey(privateKey);
    // Halves of two keys are taken as they are, and then no token would ever verify.
    const fits = verify('sha256', PROBE, publicKey, sign('sha256', PROBE, privateKey));
    return fits ? { privateKey, publicKey } : undefined;
  } catch {
    return undefined;
  }
}

function readKid(name: string, jwk: JsonWebKey | null, production: boolean): string {
  const kid = jwk?.kid;
  if (typeof kid !== 'string' || kid.length < 4 || kid.length > 64)
    throw new Error(`${name} has a key without a "kid" of 4 to 64 characters`);
  if (production && kid.startsWith(DEVELOPMENT_MARK))
    throw new Error(`${name} was made for development: make it with \`npm run secrets:create\``);
  return kid;
}

/** A 256-bit key for one purpose: what leaks of one says nothing about another (ASVS 11.2). */
export function deriveKey(secret: Buffer, purpose: string): KeyObject {
  // A key object: OpenSSL would take bytes in anew at every use, which costs more than the HMAC.
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `bulwark/${purpose}`, 32)));
}

/** What the audit log is written with. */
export interface AuditKeys {
  /** Of events, and of the links of their chain. */
  auditKey: KeyObject;
  /** Ed25519: others check a checkpoint by its public half. It does not retire with the keys of tokens. */
  checkpointKey: KeyObject;
}

export const deriveAuditKeys = (secret: Buffer): AuditKeys => ({
  auditKey: deriveKey(secret, 'audit'),
  checkpointKey: deriveSigningKey(secret, 'checkpoints'),
});

/** RFC 8410 §7: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Any 32 bytes are a private key (RFC 8032 §5.1.5). */
function deriveSigningKey(secret: Buffer, purpose: string): KeyObject {
  const key = Buffer.concat([ED25519_PKCS8, deriveKey(secret, purpose).export()]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** One for each purpose of the app's own. */
export const deriveKeys = (secret: Buffer) =>
  Object.freeze({
    cursor: deriveKey(secret, 'cursor'),
    throttle: deriveKey(secret, 'throttle'),
    emailIndex: deriveKey(secret, 'email-index'),
    request: deriveKey(secret, 'request'),
    audit: Object.freeze(deriveAuditKeys(secret)),
  });
export type DerivedKeys = ReturnType<typeof deriveKeys>;
