import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Environment } from '../../src/config/environment.js';
import type { Change } from '../engine/lesson.js';

/** Good by every rule of our own; another service lost it. */
export const BREACHED = 'seven quiet harbours';
const REST = createHash('sha1').update(BREACHED).digest('hex').toUpperCase().slice(5);

/** The environment with a list of breached passwords that knows this one. */
export async function withBreaches(env: Environment): Promise<Environment> {
  const list = createServer((_request, response) => response.end(`${REST}:7\r\n`));
  list.listen(0, '127.0.0.1').unref();
  await once(list, 'listening');
  const { port } = list.address() as AddressInfo;
  return { ...env, BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range/` };
}

/** Whoever runs the app has named a list. */
export const LIST_NAMED: Change = {
  edits: [
    {
      file: 'src/main.ts',
      find: 'const config = new Config(env);',
      replace: [
        "const lab = await import('../lessons/15-passwords/breaches.js');",
        '    const config = new Config(await lab.withBreaches(env));',
      ].join('\n'),
    },
  ],
};
