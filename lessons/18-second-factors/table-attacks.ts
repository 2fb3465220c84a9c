import { Secret } from 'otpauth';
import { totpCode } from '../../test/support/second-factors.js';
import type { Attack } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { challengeOf, opens, signIn, withTotp, type Protected, type Tokens } from './people.js';

const SECRET_BYTES = 20;

const sealedOf = async (target: Target, { factorId }: Protected): Promise<Buffer> => {
  const [row] = await target.lab.database.query<{ secret_sealed: Buffer }>(
    'SELECT secret_sealed FROM totp_secrets WHERE factor_id = $1',
    [factorId],
  );
  return row?.secret_sealed ?? Buffer.alloc(0);
};
const base32 = (bytes: Buffer) => new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;
const xor = (one: Buffer, other: Buffer) =>
  Buffer.from(one.map((byte, n) => byte ^ (other[n] ?? 0)));

async function signInWithSeed(target: Target, ada: Protected, seed: Buffer) {
  if (seed.length !== SECRET_BYTES) return null;
  const { accessToken } = await signIn(target, 'eve', ada, totpCode(base32(seed)));
  return (await opens(target, ada, accessToken)) ? 'Ada’s codes, for good' : null;
}

/** A secret that does not open is an error of the server’s, which is no loot. */
async function tryCode(target: Target, ada: Protected, code: string): Promise<Tokens> {
  const challenge = await challengeOf(target, 'eve', ada);
  const { url, ip } = target.stranger('eve');
  const answer = await fetch(`${url}/v1/auth/second-factor`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': ip },
    body: JSON.stringify({ challenge, code }),
  });
  return (await answer.json()) as Tokens;
}

/** Eve has Ada's password, and a copy of the table or a way to write to it. */
export const tableAttacks: Attack[] = [
  {
    id: 'factor-read-seed',
    title: 'Read the seed of Ada’s codes in a copied table',
    needsLab: true,
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const sealed = await sealedOf(target, ada);
      return signInWithSeed(target, ada, sealed.subarray(-SECRET_BYTES));
    },
  },
  {
    id: 'factor-read-seed-by-own',
    title: 'Work out Ada’s seed from your own, which you know, and both of their rows',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await withTotp(target, 'ada'), await withTotp(target, 'eve')];
      const [hers, own] = [await sealedOf(target, ada), await sealedOf(target, eve)];
      const known = Buffer.from(Secret.fromBase32(eve.secret).bytes);
      const stream = xor(own.subarray(-SECRET_BYTES), known);
      return signInWithSeed(target, ada, xor(hers.subarray(-SECRET_BYTES), stream));
    },
  },
  {
    id: 'factor-swap-seed',
    title: 'Write the sealed seed of your own app over Ada’s',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await withTotp(target, 'ada'), await withTotp(target, 'eve')];
      await target.lab.database.query(
        'UPDATE totp_secrets SET secret_sealed = $1 WHERE factor_id = $2',
        [await sealedOf(target, eve), ada.factorId],
      );
      const { accessToken } = await tryCode(target, ada, totpCode(eve.secret));
      return (await opens(target, ada, accessToken)) ? 'a session of Ada’s' : null;
    },
  },
  {
    id: 'factor-move-row',
    title: 'Make your own factor Ada’s',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await withTotp(target, 'ada'), await withTotp(target, 'eve')];
      await target.lab.database.query('UPDATE factors SET user_id = $1 WHERE id = $2', [
        ada.id,
        eve.factorId,
      ]);
      const { accessToken } = await tryCode(target, ada, totpCode(eve.secret));
      return (await opens(target, ada, accessToken)) ? 'a session of Ada’s' : null;
    },
  },
];
