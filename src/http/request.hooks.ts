import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ACROSS_OWNERS, actingAs, NOBODY } from '../database/acting.js';
import { addressOf } from './client-address.js';
import { currentRequest } from './logger.js';
import { Problem } from './problem.js';
import { applyQuota, limiterPerClass, RATE_LIMITS, sourceOf } from './rate-limit.js';
import type { BulwarkRoute } from './route-config.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { parseStrictJson } from './strict-json.js';
import { checkMessage } from './strict-message.js';
import { checkUrl } from './strict-url.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** What its route declares. Read once: Fastify makes `routeOptions` and `ip` anew at every look. */
    route: FastifyRequest['routeOptions']['config'] | null;
    clientIp: string | null;
  }
  interface FastifyReply {
    /** Set once the body has passed the serializer, or is a problem. Nothing else is sent. */
    bodyIsAllowed: boolean;
  }
}

type FileAnswer = NonNullable<BulwarkRoute['file']>;

const SAFE_HEADERS = Object.entries(SECURITY_HEADERS);

/** What every request meets before and after its route, also when there is no such route. */
export function addRequestHooks(fastify: FastifyInstance): void {
  const limiters = limiterPerClass();
  fastify.decorateRequest('route', null);
  fastify.decorateRequest('clientIp', null);
  fastify.decorateReply('bodyIsAllowed', false);

  fastify.addHook('onRequest', (request, reply, done) => {
    request.route = request.routeOptions.config;
    request.clientIp = addressOf(request.ip) ?? request.ip;
    const name = request.route.rateLimit ?? 'public';
    const { perIp } = RATE_LIMITS[name];
    applyQuota(reply, name, limiters[name].take(sourceOf(request.clientIp), perIp));
    const unroutable = UNROUTABLE.get(request.raw);
    if (unroutable) throw unroutable;
    checkUrl(request.raw.url ?? '');
    checkMessage(request);
    done();
  });
  // Not sooner: what follows the reading of a body would not be inside.
  fastify.addHook('preHandler', answerInContext);
  fastify.addHook('preSerialization', (request, reply, payload, done) => {
    done(null, reply.bodyIsAllowed ? payload : serialize(request, reply, payload));
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    addSafeHeaders(request, reply);
    const empty = payload === null || payload === undefined || payload === '';
    if (empty || reply.bodyIsAllowed || request.route?.asset) return done();
    // A text or a stream would go around the serializer: it does not go out.
    done(new TypeError('A route sent a body that did not pass the serializer'));
  });
  fastify.addHook('onResponse', logRequest);
}

/** What is written and asked while a request is answered knows which one it is, and whose. */
const answerInContext = (request: FastifyRequest, _reply: FastifyReply, done: () => void): void =>
  currentRequest.run(request, () => actingAs(() => actorOf(request), done));

/** Whose rows the statements of this request reach: of whoever has signed in, or of nobody. */
const actorOf = ({ route, actor }: FastifyRequest): string =>
  route?.acrossOwners ? ACROSS_OWNERS : (actor?.userId ?? NOBODY);

/** Requests whose URL the router cannot read, and why. */
const UNROUTABLE = new WeakMap<IncomingMessage, Error>();

/**
 * The router answers these before any hook: no budget, and the address of the proxy for the client's.
 * So they are routed again, to where every hook is met, and refused there.
 */
export function routeAgain(
  error: Error,
  { raw, server }: FastifyRequest,
  reply: FastifyReply,
): void {
  UNROUTABLE.set(raw, error);
  raw.url = '/';
  server.routing(raw, reply.raw);
}

/** At the end, so that also those have them whom CORS answers before any hook of ours: preflights. */
function addSafeHeaders(request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of SAFE_HEADERS)
    if (!reply.hasHeader(name)) void reply.header(name, value);
  void reply.header('x-request-id', request.id);
}

/** JSON is UTF-8; who says otherwise would be read in another way by a filter before us. */
const JSON_TYPE = /^application\/json(; *charset=(utf-8|"utf-8"))?$/i;

/** Replaces Fastify's parsers: strict JSON is the only thing that this API reads. */
export function acceptOnlyStrictJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  const options = { parseAs: 'buffer' } as const;
  fastify.addContentTypeParser(JSON_TYPE, options, (request, body, done) => {
    try {
      // Fastify's reading of the type drops the parts that it cannot read.
      const type = request.headers['content-type'] ?? '';
      if (!JSON_TYPE.test(type)) throw new Problem('unsupported_media_type');
      done(null, parseStrictJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function serialize(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  const { serialize: pick, versioned, file } = request.route ?? {};
  if (file) return stream(reply, file, payload);
  if (!pick) throw new TypeError('A route returned a body and declares none');
  const body = pick(payload) as { version?: unknown };
  if (versioned) void reply.header('etag', `"${Number(body.version)}"`);
  reply.bodyIsAllowed = true;
  // A serializer that the handler brought along would write something else.
  void reply.serializer(JSON.stringify);
  return body;
}

/** Through the same allow-list, piece by piece. A stream of the handler's own does not get here. */
function stream(reply: FastifyReply, { name, write }: FileAnswer, payload: unknown): Readable {
  void reply.header('content-disposition', `attachment; filename="${name}"`);
  void reply.serializer((body) => body as string);
  reply.bodyIsAllowed = true;
  return Readable.from(write(payload));
}

/** One line a request. The route, not the URL: queries may hold what does not belong in a log. */
function logRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const line = {
    method: request.method,
    route: request.route?.url,
    status: reply.statusCode,
    milliseconds: Math.round(reply.elapsedTime * 10) / 10,
    ip: request.clientIp ?? request.ip,
    userId: request.actor?.userId,
  };
  request.log.info(line, 'request');
  done();
}
