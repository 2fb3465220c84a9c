// npm run keys:rotate [-- --signing]: new keys in the place of the old ones, while the app runs.
import 'reflect-metadata';
import { createEncryptionJwk, DEVELOPMENT_MARK } from '../config/secrets.js';
import type { Environment } from '../config/environment.js';
import type { KeyStatus } from '../crypto/key-rotation.js';
import { completeEnvironment } from '../database/development.js';
import { madeNow, openKeySet } from './key-set.js';
import { tellProgress } from './progress.js';
import { recordsKeys, withRotation } from './rotation.js';
import { rotateSigningKeys } from './rotate-signing-keys.js';

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { env, stop } = await completeEnvironment(process.env);
  try {
    await (process.argv.includes('--signing')
      ? rotateSigningKeys(env, { say, record: recordsKeys(env) })
      : rotate(env));
  } finally {
    await stop();
  }
}

/** Begins a rotation, or goes on with one that was begun: the database and the set of keys tell. */
async function rotate(env: Environment): Promise<void> {
  const status = await withRotation(env, (rotation) => rotation.status());
  if (!isBegun(env, status) && !(await addKey(env))) return;
  const damaged = await withRotation(env, (rotation, record) => rotation.run(tellProgress, record));
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
async function addKey(env: Environment): Promise<boolean> {
  const set = openKeySet(env, 'ENCRYPTION_KEYS');
  const mark = env['NODE_ENV'] === 'production' ? '' : DEVELOPMENT_MARK;
  const added = madeNow(createEncryptionJwk(mark));
  const keys = [added, ...set.keys];
  if (set.isFile) {
    const record = recordsKeys(env);
    await record('crypto_key_added', { kind: 'encryption', key: added.kid });
    for (const { kid: key } of set.keys)
      await record('crypto_key_retired', { kind: 'encryption', key });
    set.write(keys);
    say(`Key ${added.kid} wraps from now on.`);
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
  if (set.isFile) {
    for (const { kid: key } of others.filter((other) => !kept.includes(other)))
      await recordsKeys(env)('crypto_key_deleted', { kind: 'encryption', key });
    set.write(keys);
  } else if (others.length > kept.length) {
    say('Set ENCRYPTION_KEYS to this for every instance; the keys that are left out open nothing:');
    say(JSON.stringify({ keys }));
  }
  say(`Done: ${keys.map(({ kid }) => kid).join(', ')}`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
