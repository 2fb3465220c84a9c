import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Environment } from '../../src/config/environment.js';
import { Authority } from '../../test/support/certificates.js';
import { inProduction } from '../24-secrets-at-start/deployment.js';
import { listen } from '../24-secrets-at-start/wire-tap.js';

/** The app's own machine, in a spelling that does not say so: to the app, another machine. */
const ELSEWHERE = '127.1';
/** How a client of PostgreSQL asks for TLS, in bytes. */
const SSL_REQUEST_BYTES = 8;

/**
 * The environment with a database of which Mallory says that he is it: he speaks TLS with a certificate
 * of his own, passes all on to the true one, and reads along.
 */
export async function behindImpostor(env: Environment, query: string): Promise<Environment> {
  const url = new URL(env['DATABASE_URL'] ?? '');
  const mallory = await (await Authority.create('Mallory')).issue({ names: ['localhost'] });
  const secureContext = createSecureContext(mallory);
  const server = createServer((app) => {
    app.on('error', () => app.destroy());
    app.once('readable', () => {
      if (app.read(SSL_REQUEST_BYTES) === null) return;
      app.write('S');
      relay(
        new TLSSocket(app, { isServer: true, secureContext }),
        connect(Number(url.port), url.hostname),
      );
    });
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { NODE_TLS_REJECT_UNAUTHORIZED } = env;
  const mine = `postgres://${url.username}:${url.password}@${ELSEWHERE}:${port}${url.pathname}`;
  return inProduction(env, { NODE_TLS_REJECT_UNAUTHORIZED, DATABASE_URL: mine + query });
}

function relay(app: Socket, database: Socket): void {
  listen(app, database);
  listen(database, app);
}
