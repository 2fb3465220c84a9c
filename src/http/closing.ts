import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

const RETRY_SECONDS = 1;

/**
 * Once the app closes, what is under way is finished and nothing new begins. Each answer ends its
 * connection: one that is kept alive would keep the process alive.
 */
export function finishOnClose(fastify: FastifyInstance): void {
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  fastify.addHook('onRequest', (_request, _reply, done) =>
    done(closing ? new Problem('not_ready', { retryAfterSeconds: RETRY_SECONDS }) : undefined),
  );
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done();
  });
}
