import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import { DataSource } from 'typeorm';
import { PUBLIC } from './access/access.decorators.js';
import { declaresAccess, problemsOfAccess } from './access/declares-access.js';
import { AppModule } from './app.module.js';
import { watchProblems } from './audit/problem-events.js';
import { SecurityLog } from './audit/security-log.js';
import type { TlsPair } from './config/certificates.js';
import type { Config } from './config/config.js';
import { proveColumns } from './crypto/column-proof.js';
import { refuseUpgrades } from './http/client-errors.js';
import { finishOnClose } from './http/closing.js';
import { API_PREFIX, UNVERSIONED_PATHS, type DeclaredRoute } from './http/declared-routes.js';
import { serveDocs } from './http/docs.js';
import { loggerOptions, NestLogger, requestIdOf } from './http/logger.js';
import { buildOpenApi } from './http/openapi.js';
import { acceptOnlyStrictJson, addRequestHooks, routeAgain } from './http/request.hooks.js';
import { proveRoutes } from './http/route-proof.js';
import { watchRoutes } from './http/route-table.js';
import { tlsOptions } from './http/tls-listener.js';
import {
  answerUnreadable,
  keepCertificate,
  LIMITS,
  refuseInClear,
  SERVER_BOUNDS,
} from './listeners.js';
import { servePages } from './pages/pages.js';

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
  refuseInClear(app, config);
  watchProblems(fastify, app.get(SecurityLog));
  acceptOnlyStrictJson(fastify);
  refuseUpgrades(fastify);
  // Node would answer an unknown `Expect` itself, past every hook; RFC 9110 §10.1.1 lets us ignore it.
  fastify.server.on('checkExpectation', (request, response) =>
    fastify.server.emit('request', request, response),
  );
  keepCertificate(app, config);
  await app.init();
  servePages(fastify);
  if (!config.production) serveDocs(fastify, () => openApiOf(app));
  proveRoutes(app, [declaresAccess]);
  await proveColumns(app.get(DataSource));
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
    ...(config.tlsPair ? { https: httpsOptions(config.tlsPair) } : { http: SERVER_BOUNDS }),
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

const httpsOptions = (pair: TlsPair) => ({
  ...SERVER_BOUNDS,
  ...tlsOptions(pair),
  handshakeTimeout: LIMITS.handshakeTimeout,
});

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
