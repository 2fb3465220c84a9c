import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';
import { PUBLIC } from './access/access.decorators.js';
import { declaresAccess, problemsOfAccess } from './access/declares-access.js';
import { AppModule } from './app.module.js';
import { watchProblems } from './audit/problem-events.js';
import { SecurityLog, writeEvent } from './audit/security-log.js';
import type { Config } from './config/config.js';
import { answerClientError, refuseUpgrades } from './http/client-errors.js';
import { finishOnClose } from './http/closing.js';
import { API_PREFIX, UNVERSIONED_PATHS, type DeclaredRoute } from './http/declared-routes.js';
import { serveDocs } from './http/docs.js';
import { loggerOptions, NestLogger, requestIdOf } from './http/logger.js';
import { buildOpenApi } from './http/openapi.js';
import { RATE_LIMITS, sourceOf } from './http/rate-limit.js';
import { RateLimiter } from './http/rate-limiter.js';
import { acceptOnlyStrictJson, addRequestHooks, routeAgain } from './http/request.hooks.js';
import { proveRoutes } from './http/route-proof.js';
import { watchRoutes } from './http/route-table.js';
import { servePages } from './pages/pages.js';

/** Bytes and milliseconds. A client that is slower or larger than this is not one of ours. */
export const LIMITS = {
  bodyBytes: 100 * 1024,
  headerBytes: 16 * 1024,
  headersTimeout: 10_000,
  /** How often Node looks for connections that have used up one of the two times. */
  timeoutCheckInterval: 1_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  parameterLength: 200,
};

/** The app as main, the tests, the lessons and the benchmark run it, initialized but not listening. */
export async function createApp(
  config: Config,
  module: DynamicModule = AppModule.with(config),
): Promise<NestFastifyApplication> {
  const adapter = createAdapter(config);
  const fastify = adapter.getInstance<FastifyInstance>();
  watchRoutes(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(fastify.log),
    abortOnError: false,
    bodyParser: false,
  });
  try {
    await setUp(app, config);
    return app;
  } catch (error) {
    // What does not boot must not keep its connections.
    await app.close();
    throw error;
  }
}

async function setUp(app: NestFastifyApplication, config: Config): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  app.setGlobalPrefix(API_PREFIX, { exclude: UNVERSIONED_PATHS });
  if (config.corsOrigins.length > 0) app.enableCors(corsOptions(config));
  addRequestHooks(fastify);
  finishOnClose(fastify);
  watchProblems(fastify, app.get(SecurityLog));
  acceptOnlyStrictJson(fastify);
  refuseUpgrades(fastify);
  // Node would answer an unknown `Expect` itself, past every hook; RFC 9110 §10.1.1 lets us ignore it.
  fastify.server.on('checkExpectation', (request, response) =>
    fastify.server.emit('request', request, response),
  );
  await app.init();
  servePages(fastify);
  if (!config.production) serveDocs(fastify, openApiOf(app));
  proveRoutes(app, [declaresAccess]);
  await fastify.ready();
}

export const openApiOf = (app: NestFastifyApplication) =>
  buildOpenApi(
    app,
    ({ handler }: DeclaredRoute) => Reflect.hasMetadata(PUBLIC, handler),
    problemsOfAccess,
  );

function createAdapter(config: Config): FastifyAdapter {
  return new FastifyAdapter({
    logger: loggerOptions(config),
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: requestIdOf,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: LIMITS.requestTimeout,
    keepAliveTimeout: LIMITS.keepAliveTimeout,
    http: {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersTimeout,
      connectionsCheckingInterval: LIMITS.timeoutCheckInterval,
      // Node would answer a missing one without a problem body: checkMessage does instead.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: LIMITS.parameterLength },
    // 0 hops: the socket's address, and no header is believed (ASVS 4.1.3).
    trustProxy: (_address, hop) => hop < config.trustedProxyHops,
    // JSON may name the request's prototype: parseStrictJson refuses it, with a code of its own.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    clientErrorHandler: answerUnreadable(),
    frameworkErrors: routeAgain,
    forceCloseConnections: 'idle',
    // Its answer would be no problem and have no headers of ours: finishOnClose gives one.
    return503OnClosing: false,
    skipMiddie: true,
  });
}

/** What is no HTTP meets no hook: its event is written here, and cannot fill the log. */
function answerUnreadable() {
  // Apart from the budgets of requests: here a proxy's address stands for all of its clients, who
  // must not use up what its health checks live on.
  const limiter = new RateLimiter();
  return function (this: FastifyInstance, error: Error, socket: Socket): void {
    const ip = socket.remoteAddress ?? '';
    const answer = answerClientError(error, socket);
    if (!answer) return;
    const { waitSeconds } = limiter.take(sourceOf(ip), RATE_LIMITS.public.perIp);
    if (waitSeconds === 0) writeEvent(this.log, 'input_validation_fail', { ...answer, ip });
  };
}

/**
 * Browsers of these origins may read answers. Their tokens are in bodies and headers: the cookie is for
 * pages of our own origin, so credentials are allowed to nobody.
 */
function corsOptions({ corsOrigins }: Config) {
  return {
    origin: [...corsOrigins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'if-match', 'idempotency-key', 'traceparent'],
    exposedHeaders: ['etag', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-request-id'],
    maxAge: 600,
  };
}
