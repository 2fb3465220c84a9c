import { decodeJwt, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { SigningKey } from '../../src/config/secrets.js';
import type { Person } from './factories.js';
import type { TestApp } from './test-app.js';

export const segment = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** The key that signs on this instance: what only the server has. */
export function signingKeyOf({ config }: TestApp): SigningKey {
  const [key] = config.signingKeys;
  if (!key) throw new Error('the instance has no signing key');
  return key;
}

/** The claims of the person's own, valid access token. */
export const claimsOf = ({ tokens }: Person): JWTPayload & Record<string, unknown> =>
  decodeJwt(tokens.accessToken);

/** The header that the instance itself writes. */
export const headerOf = (app: TestApp) => ({
  alg: 'ES256',
  typ: 'at+jwt',
  kid: signingKeyOf(app).kid,
});

/** A token of these claims, signed as the instance would unless told otherwise. */
export function forge(
  app: TestApp,
  claims: JWTPayload,
  header: Record<string, unknown> = {},
  key: KeyObject = signingKeyOf(app).privateKey,
): Promise<string> {
  const { kid: _kid, ...known } = headerOf(app);
  const base = 'kid' in header ? known : headerOf(app);
  const protectedHeader = { ...base, ...header } as unknown as JWTHeaderParameters;
  return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(key);
}

/** A token whose signature is whatever `signer` makes of it: for what jose refuses to build. */
export function assemble(header: unknown, claims: unknown, signer: (input: string) => string) {
  const input = `${segment(header)}.${segment(claims)}`;
  return `${input}.${signer(input)}`;
}

export const hmac = (secret: string | Buffer) => (input: string) =>
  createHmac('sha256', secret).update(input).digest('base64url');

/** ES256 as jose makes it. */
export const signedWith = (key: KeyObject) => (input: string) =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

/** The attacker's own key pair. */
export const strangersKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
