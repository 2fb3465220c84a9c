import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { callbackify } from 'node:util';
import { SecurityLog, writeEvent, type Asking } from './audit/security-log.js';
import { LeakedTokensService } from './auth/leaked-tokens.service.js';
import type { Config } from './config/config.js';
import { Housekeeping } from './database/housekeeping.js';
import { answerClientError } from './http/client-errors.js';
import { cameInClear, carriesCredentials } from './http/in-clear.js';
import { createPlainListener } from './http/plain-listener.js';
import { Problem } from './http/problem.js';
import { RATE_LIMITS, sourceOf } from './http/rate-limit.js';
import { RateLimiter } from './http/rate-limiter.js';
import { endFailedHandshake, ServedCertificate } from './http/tls-listener.js';

/** Bytes and milliseconds. A client that is slower or larger than this is not one of ours. */
export const LIMITS = {
  bodyBytes: 100 * 1024,
  headerBytes: 16 * 1024,
  handshakeTimeout: 5_000,
  headersTimeout: 10_000,
  /** How often Node looks for connections that have used up one of the two times. */
  timeoutCheckInterval: 1_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  parameterLength: 200,
};

/** The bounds of every listener. */
export const SERVER_BOUNDS = {
  maxHeaderSize: LIMITS.headerBytes,
  headersTimeout: LIMITS.headersTimeout,
  connectionsCheckingInterval: LIMITS.timeoutCheckInterval,
  // Node would answer a missing one without a problem body: checkMessage does instead.
  requireHostHeader: false,
};

/** Opens the listener, and beside one that ends TLS the one for plain HTTP, where that is asked for. */
export async function listen(app: NestFastifyApplication, config: Config): Promise<void> {
  await app.listen(config.port, config.host);
  if (config.httpPort !== undefined) await listenInClear(app, config.httpPort, config);
}

async function listenInClear(app: NestFastifyApplication, port: number, config: Config) {
  const { log, server } = app.getHttpAdapter().getInstance();
  const limiter = new RateLimiter();
  const plain = createPlainListener({
    publicUrl: config.publicUrl,
    bounds: { ...SERVER_BOUNDS, requestTimeout: LIMITS.requestTimeout },
    onCredentials: async (request, requestId) => {
      const ip = request.socket.remoteAddress ?? '';
      const { waitSeconds } = limiter.take(sourceOf(ip), RATE_LIMITS.public.perIp);
      if (waitSeconds > 0) return;
      const asking = { id: requestId, log: log.child({ requestId }), clientIp: ip, actor: null };
      await endLeaked(app, request, asking).catch((err: unknown) =>
        log.error({ err, requestId }, 'a session whose token came in clear was not ended'),
      );
    },
    onUnreadable: (error, socket) => void answerClientError(error, socket),
  });
  server.once('close', () => {
    plain.close();
    plain.closeAllConnections();
  });
  plain.listen(port, config.host);
  await once(plain, 'listening');
  log.info(`Plain HTTP is refused at port ${(plain.address() as AddressInfo).port}`);
}

/** Credentials that reached a proxy of ours without TLS are refused unread, and their session ends. */
export function refuseInClear(app: NestFastifyApplication, config: Config): void {
  const fastify = app.getHttpAdapter().getInstance();
  if (!config.publicUrl.startsWith('https:')) return;
  const refuse = callbackify(async (request: FastifyRequest) => {
    await endLeaked(app, request.raw, request);
    throw new Problem('tls_required');
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    const leaks = cameInClear(raw, config.trustedProxyHops) && carriesCredentials(raw);
    return leaks ? refuse(request, done) : done();
  });
}

async function endLeaked(
  app: NestFastifyApplication,
  request: IncomingMessage,
  asking: Asking,
): Promise<void> {
  const actor = await app.get(LeakedTokensService).end(request);
  const { userId, sessionId } = actor ?? {};
  const facts = { method: request.method, userId, sessionId };
  app.get(SecurityLog).tell('authn_sent_in_clear', facts, asking);
}

/** Renews the certificate of a listener that ends TLS. */
export function keepCertificate(app: NestFastifyApplication, config: Config): void {
  const fastify = app.getHttpAdapter().getInstance();
  const server: unknown = fastify.server;
  if (!config.tlsPair || !(server instanceof HttpsServer)) return;
  const certificate = new ServedCertificate(config, server, fastify.log, config.tlsPair);
  app.get(Housekeeping).register(async () => certificate.warnOfItsEnd());
  fastify.addHook('onClose', async () => certificate.stop());
}

/** What is no HTTP meets no hook: its event is written here, and cannot fill the log. */
export function answerUnreadable() {
  // Apart from the budgets of requests: here a proxy's address stands for all of its clients, who
  // must not use up what its health checks live on.
  const limiter = new RateLimiter();
  return function (this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
    const ip = socket.remoteAddress ?? '';
    const answer = endFailedHandshake(error, socket) ?? answerClientError(error, socket);
    if (!answer) return;
    const { waitSeconds } = limiter.take(sourceOf(ip), RATE_LIMITS.public.perIp);
    if (waitSeconds === 0) writeEvent(this.log, 'input_validation_fail', { ...answer, ip });
  };
}
