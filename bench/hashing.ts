import { hash } from '@node-rs/argon2';
import { PARAMETERS, PasswordHasher } from '../src/auth/password-hasher.js';
import { inTurn, type Pace } from './compare.js';
import { PASSWORD } from './dataset.js';
import { keepBusy } from './flows.js';
import type { Measured } from './load.js';

/** More than are hashed at once, and fewer than are sent away. */
const WAITING = 32;

/** Hashes while more are asked for than can be made: through the app's queue, and the library alone. */
export async function compareHashing(pace: Pace): Promise<[app: Measured, library: Measured]> {
  const hasher = new PasswordHasher();
  const ways = [() => hasher.hash(PASSWORD), () => hash(PASSWORD, PARAMETERS)];
  const results = await inTurn(
    ways.map(
      (way) => () =>
        keepBusy(
          Array.from({ length: WAITING }, () => way),
          pace.seconds,
        ),
    ),
    pace.rounds,
  );
  return results as [Measured, Measured];
}
