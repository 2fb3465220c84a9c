import { decodeJwt, decodeProtectedHeader } from 'jose';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { testEnvironment } from '../../test/support/test-app.js';
import type { Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

type Claims = Record<string, unknown>;

/** What an outsider has: two names, his own token, and the key set that everybody may read. */
export interface Cast {
  ada: Person;
  eve: Person;
  header: Claims;
  claims: Claims & { aud: string; iss: string };
  publicKey: KeyObject;
}

const casts = new WeakMap<object, Promise<Cast>>();

/** Forging changes nothing, so the attacks on one instance share their people. */
export function castOf(target: Target): Promise<Cast> {
  const place = placeOf(target);
  const cast = casts.get(place) ?? assembleCast(target);
  casts.set(place, cast);
  return cast;
}

function placeOf(target: Target): object {
  try {
    return target.lab;
  } catch {
    return target;
  }
}

async function assembleCast(target: Target): Promise<Cast> {
  const [ada, eve] = [await target.person('ada'), await target.person('eve')];
  const { body } = await target.stranger('eve').get<{ keys: JsonWebKey[] }>(JWKS);
  target.trace.pop();
  return {
    ada,
    eve,
    header: decodeProtectedHeader(eve.accessToken),
    claims: decodeJwt(eve.accessToken) as Cast['claims'],
    publicKey: createPublicKey({ key: body.keys[0] ?? {}, format: 'jwk' }),
  };
}

const JWKS = '/.well-known/jwks.json';

/** Ada's claims, as far as anybody can know them: her id stands on everything that she shared. */
export const claimsOfAda = ({ claims, ada }: Cast): Claims => ({ ...claims, sub: ada.id });

const segment = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token of any header and claims, with a signature of any kind. */
export function assemble(header: unknown, claims: unknown, signed: (input: string) => string) {
  const input = `${segment(header)}.${segment(claims)}`;
  return `${input}.${signed(input)}`;
}

/** ES256 by the book. */
export const signature = (key: KeyObject) => (input: string) =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

const HASHES = { HS256: 'sha256', HS384: 'sha384' };

/** What a library that takes any key as text would compute. */
export const hmac =
  (secret: string, alg: keyof typeof HASHES = 'HS256') =>
  (input: string) =>
    createHmac(HASHES[alg], secret).update(input).digest('base64url');

/** The deployment's own key: what a sister service of the same company signs with. */
export function sistersKey(target: Target): KeyObject {
  const text = testEnvironment(target.lab.database.urls.app)['SIGNING_KEYS'] ?? '';
  const { keys } = JSON.parse(text) as { keys: [JsonWebKey] };
  return createPrivateKey({ key: keys[0], format: 'jwk' });
}

export const signedBySister = (target: Target, header: Claims, claims: Claims) =>
  assemble(header, claims, signature(sistersKey(target)));

/** Whose profile does this token open? The story shows what the token says of itself. */
export async function adasProfile(target: Target, token: string, about: string): Promise<Loot> {
  const { ada } = await castOf(target);
  const client = target.stranger('eve').withToken(token);
  const { body } = await client.get<{ email?: string }>('/v1/users/me');
  tell(target, about);
  return body.email === ada.email ? "Ada's profile" : null;
}

/** Does this token list people, as only an administrator's may? */
export async function everybody(target: Target, token: string, about: string): Promise<Loot> {
  const { ada } = await castOf(target);
  const client = target.stranger('eve').withToken(token);
  const path = `/v1/users?email=${encodeURIComponent(ada.email)}`;
  const { body } = await client.get<{ items?: { email: string }[] }>(path);
  tell(target, about);
  const listed = body.items?.some(({ email }) => email === ada.email);
  return listed ? 'the list of users, as an administrator' : null;
}

function tell({ trace }: Target, about: string): void {
  const last = trace.at(-1);
  if (last) last.sent = `Authorization: Bearer <${about}>`;
}
