// npm run keys:status: what is wrapped by which key.
import 'reflect-metadata';
import { completeEnvironment } from '../database/development.js';
import { fail, readArguments, say } from './command.js';
import { openKeySet } from './key-set.js';
import { withRotation } from './rotation.js';

const USAGE = `npm run keys:status

Says which keys there are, and how many data keys each of them wraps.`;

async function main(): Promise<void> {
  readArguments({ usage: USAGE });
  const { env, stop } = await completeEnvironment(process.env);
  try {
    const { wrapped } = await withRotation(env, (rotation) => rotation.status());
    const { keys } = openKeySet(env, 'ENCRYPTION_KEYS');
    for (const [at, { kid }] of keys.entries()) {
      const { keys: count = 0, retired = 0 } = wrapped.find(({ kek }) => kek === kid) ?? {};
      say(
        `${kid}: ${at === 0 ? 'wraps' : 'unwraps'}; ${count} data keys, ${retired} of them retired`,
      );
    }
    const unknown = wrapped.filter(({ kek }) => !keys.some(({ kid }) => kid === kek));
    for (const { kek, keys: count } of unknown) say(`${kek}: MISSING; ${count} data keys`);
  } finally {
    await stop();
  }
}

main().catch(fail);
