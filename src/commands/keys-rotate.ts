// npm run keys:rotate [-- --signing]: new keys in the place of the old ones, while the app runs.
import 'reflect-metadata';
import { createEncryptionJwk, DEVELOPMENT_MARK } from '../config/secrets.js';
import type { Environment } from '../config/environment.js';
import type { KeyStatus } from '../crypto/key-rotation.js';
import { GRACE_SECONDS } from '../crypto/key-statements.js';
import { completeEnvironment } from '../database/development.js';
import { fail, readArguments, say } from './command.js';
import { madeNow, openKeySet } from './key-set.js';
import { tellProgress } from './progress.js';
import { withRotation } from './rotation.js';
import { rotateSigningKeys, SIGNING_WAITS } from './rotate-signing-keys.js';

const MINUTES = { settled: GRACE_SECONDS / 60, signing: SIGNING_WAITS.expired / 60_000 };
const USAGE = `npm run keys:rotate [-- --signing]

Puts new encryption keys in the place of all old ones, while the app runs, and waits ${MINUTES.settled} minutes until
nobody seals with the old ones. They open nothing afterwards: it cannot be undone. Killed, it goes on where
it was when it runs again.

  --signing   a new signing key instead: the old one goes once no token of its is left, after ${MINUTES.signing}
              minutes`;

async function main(): Promise<void> {
  const { values } = readArguments({ usage: USAGE, options: { signing: { type: 'boolean' } } });
  const { env, stop } = await completeEnvironment(process.env);
  try {
    await (values.signing ? rotateSigningKeys(env, say) : rotate(env));
  } finally {
    await stop();
  }
}

/** Begins a rotation, or goes on with one that was begun: the database and the set of keys tell. */
async function rotate(env: Environment): Promise<void> {
  if (!isBegun(env, await withRotation(env, (rotation) => rotation.status())) && !addKey(env))
    return;
  say(
    `What is sealed is sealed anew. Then it waits ${MINUTES.settled} minutes until no instance seals with an old key, ` +
      'and longer only while a transaction of before is open.',
  );
  const damaged = await withRotation(env, (rotation) => rotation.run(tellProgress));
  if (damaged > 0)
    throw new Error(
      `${damaged} rows do not open: their keys stay, and the rotation is not complete`,
    );
  await dropOldKeys(env);
}

function isBegun(env: Environment, { wrapped }: KeyStatus): boolean {
  const [first, ...others] = openKeySet(env, 'ENCRYPTION_KEYS').keys;
  const isOld = ({ kek, retired }: KeyStatus['wrapped'][number]) =>
    kek !== first?.kid || retired > 0;
  return wrapped.some(isOld) || others.length > 0;
}

/** Answers whether the work can begin: keys in the environment are the operator's to add. */
function addKey(env: Environment): boolean {
  const set = openKeySet(env, 'ENCRYPTION_KEYS');
  const mark = env['NODE_ENV'] === 'production' ? '' : DEVELOPMENT_MARK;
  const keys = [madeNow(createEncryptionJwk(mark)), ...set.keys];
  if (set.isFile) {
    set.write(keys);
    say(`Key ${keys[0]?.kid} wraps from now on.`);
    return true;
  }
  say('Set ENCRYPTION_KEYS to this for every instance, start them anew, and run this again:');
  say(JSON.stringify({ keys }));
  return false;
}

/** Once nothing in the database is wrapped by them. */
async function dropOldKeys(env: Environment): Promise<void> {
  const set = openKeySet(env, 'ENCRYPTION_KEYS');
  const { wrapped } = await withRotation(env, (rotation) => rotation.status());
  const [first, ...others] = set.keys;
  const kept = others.filter(({ kid }) => wrapped.some(({ kek }) => kek === kid));
  const keys = first ? [first, ...kept] : kept;
  if (set.isFile) set.write(keys);
  else if (others.length > kept.length) {
    say('Set ENCRYPTION_KEYS to this for every instance; the keys that are left out open nothing:');
    say(JSON.stringify({ keys }));
  }
  say(`Done: ${keys.map(({ kid }) => kid).join(', ')}`);
}

main().catch(fail);
