// npm run keys:rotate [-- --wrap-only | --signing]: new keys in the place of the old ones, while the app runs.
import 'reflect-metadata';
import { createEncryptionJwk, DEVELOPMENT_MARK } from '../config/secrets.js';
import type { Environment } from '../config/environment.js';
import type { KeyStatus } from '../crypto/key-rotation.js';
import { GRACE_SECONDS } from '../crypto/key-statements.js';
import type { RotationDamage } from '../crypto/rotation-damage.js';
import { completeEnvironment } from '../database/development.js';
import { fail, readArguments, say } from './command.js';
import { madeNow, openKeySet } from './key-set.js';
import { tellProgress } from './progress.js';
import { recordDamage, recordsKeys, withRotation } from './rotation.js';
import { rotateSigningKeys, SIGNING_WAITS } from './rotate-signing-keys.js';

const MINUTES = { settled: GRACE_SECONDS / 60, signing: SIGNING_WAITS.expired / 60_000 };
const USAGE = `npm run keys:rotate [-- --wrap-only | --signing]

Puts new encryption keys in the place of all old ones, while the app runs, seals everything anew, and waits
${MINUTES.settled} minutes until nobody seals with the old ones. They open nothing afterwards, and neither does a backup from
before without its own keys: it cannot be undone. Killed, it goes on where it was when it runs again.

  --wrap-only   changes only the key that wraps the data keys: backups of the data stay as good as they are.
                What was begun with it is finished with it: without, what is wrapped already keeps its data key
  --signing     a new signing key instead: the old one goes once no token of its is left, after ${MINUTES.signing}
                minutes`;
const RENEWING = `What is sealed is sealed anew. Then it waits ${MINUTES.settled} minutes until no instance seals with an old key, and
longer only while a transaction from before is open.`;
const WRAPPING =
  'The data keys are wrapped anew, once every instance knows the new key and no transaction from before is open.';
const OPTIONS = { 'wrap-only': { type: 'boolean' }, signing: { type: 'boolean' } } as const;

async function main(): Promise<void> {
  const { values } = readArguments({ usage: USAGE, options: OPTIONS });
  if (values.signing && values['wrap-only'])
    throw new Error('One at a time: --wrap-only or --signing');
  const { env, stop } = await completeEnvironment(process.env);
  try {
    await (values.signing
      ? rotateSigningKeys(env, { say, record: recordsKeys(env) })
      : rotate(env, values['wrap-only'] ?? false));
  } finally {
    await stop();
  }
}

/** Begins a rotation, or goes on with one that was begun: the database and the set of keys tell. */
async function rotate(env: Environment, wrapOnly: boolean): Promise<void> {
  const status = await withRotation(env, (rotation) => rotation.status());
  if (wrapOnly && status.wrapped.some(({ retired }) => retired > 0))
    throw new Error('A rotation with new data keys has begun: finish it without --wrap-only first');
  if (!isBegun(env, status) && !(await addKey(env))) return;
  say(wrapOnly ? WRAPPING : RENEWING);
  const damage = await withRotation(env, (rotation) =>
    wrapOnly ? rotation.wrap() : rotation.run(tellProgress),
  );
  if (!damage.isNone) {
    await recordDamage(env, damage.named());
    throw new Error(faultOf(damage));
  }
  await dropOldKeys(env);
  say(wrapOnly ? WRAPPED : RENEWED);
}

/** An operator who learns this a month later has lost a month. */
const RENEWED = `Take a backup of both parts now, the data and the keys, and keep ENCRYPTION_KEYS with it. A backup of
the data from before opens only with the backup of the keys, and the ENCRYPTION_KEYS, of its time.`;
const WRAPPED = `Take a backup of the keys now, and keep ENCRYPTION_KEYS with it: it also opens every backup of the data
from before. A backup of the keys from before needs the ENCRYPTION_KEYS of its time.`;

const faultOf = (damage: RotationDamage) => `${[
  `${damage.keys.length} data keys and ${damage.rows} rows do not open, among them`,
  ...damage.lines(),
].join('\n  ')}
All else is done. ENCRYPTION_KEYS keeps its old keys: mend these from a backup, or delete them, and run this again.`;

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

main().catch(fail);
