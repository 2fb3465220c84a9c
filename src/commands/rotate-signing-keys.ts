import { setTimeout as sleep } from 'node:timers/promises';
import { ACCESS_TOKEN_SECONDS } from '../access/revocation-feed.js';
import type { Environment } from '../config/environment.js';
import { createSigningJwk, DEVELOPMENT_MARK } from '../config/secrets.js';
import type { RecordKeys } from '../crypto/key-rotation.js';
import { madeNow, openKeySet, type StoredKey } from './key-set.js';

/** In milliseconds. */
export const SIGNING_WAITS = {
  /** Every instance has read a changed file by then, and whoever caches the public keys has asked again. */
  known: 10_000,
  /** And a little longer than any access token lives. */
  expired: (ACCESS_TOKEN_SECONDS + 30) * 1_000,
};

interface Tools {
  say: (text: string) => void;
  record: RecordKeys;
}

/**
 * Adds a key that verifies, lets it sign once all instances know it, and drops the old one when no token of
 * its is left. Killed, it goes on where it was: which key is the new one says its `iat`.
 */
export async function rotateSigningKeys(
  env: Environment,
  { say, record }: Tools,
  waits = SIGNING_WAITS,
): Promise<void> {
  const set = openKeySet(env, 'SIGNING_KEYS');
  if (!set.isFile)
    throw new Error('Keep the keys in a file, SIGNING_KEYS_FILE: instances read it while they run');
  const [old, added] = byAge(set.keys.length > 1 ? set.keys : [...set.keys, create(env)]);
  const kind = 'signing';
  if (set.keys[0]?.kid !== added.kid) {
    if (set.keys.length === 1) await record('crypto_key_added', { kind, key: added.kid });
    set.write([old, added]);
    say(`Key ${added.kid} verifies.`);
    await sleep(waits.known);
    await record('crypto_key_retired', { kind, key: old.kid });
    set.write([added, old]);
  }
  say(`Key ${added.kid} signs. Key ${old.kid} goes in ${waits.expired / 60_000} minutes.`);
  await sleep(waits.expired);
  await record('crypto_key_deleted', { kind, key: old.kid });
  set.write([added]);
  say(`Done: ${added.kid}`);
}

const create = (env: Environment): StoredKey =>
  madeNow(createSigningJwk(env['NODE_ENV'] === 'production' ? '' : DEVELOPMENT_MARK));

/** The old key and the new one. One of them goes for good: a guess might be the new one. */
function byAge(keys: StoredKey[]): [StoredKey, StoredKey] {
  const [old, added] = keys.toSorted((one, other) => (one.iat ?? 0) - (other.iat ?? 0));
  if (!old || !added) throw new Error('There is no signing key');
  if (!added.iat)
    throw new Error(
      'Neither of the two keys says when it was made: drop the old one yourself first',
    );
  return [old, added];
}
