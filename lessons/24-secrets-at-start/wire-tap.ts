import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Environment } from '../../src/config/environment.js';

/** The app's own machine, in a spelling that does not say so: to the app, another machine. */
const ELSEWHERE = '127.1';
const HASH = /\$argon2id\$[\w$=,+/]+/;

/** The environment with a database behind a wire on which somebody listens. */
export async function throughTap(env: Environment, query: string): Promise<Environment> {
  const url = new URL(env['DATABASE_URL'] ?? '');
  const tap = createServer((app) => {
    const database = connect(Number(url.port), url.hostname);
    listen(app, database);
    listen(database, app);
  });
  tap.listen(0, '127.0.0.1').unref();
  await once(tap, 'listening');
  const { port } = tap.address() as AddressInfo;
  const tappedUrl = `postgres://${url.username}:${url.password}@${ELSEWHERE}:${port}${url.pathname}`;
  return { ...env, DATABASE_URL: tappedUrl + query };
}

/** Says what is worth hearing, and passes on all. */
export function listen(from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    const hash = HASH.exec(bytes.toString('latin1'));
    if (hash) process.stdout.write(`overheard: ${hash[0]}\n`);
  });
  from.on('error', () => to.destroy());
  from.pipe(to);
}
