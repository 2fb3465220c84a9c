import type { LoggerService } from '@nestjs/common';
import type { FastifyBaseLogger, FastifyRequest, FastifyServerOptions } from 'fastify';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { types } from 'node:util';
import type { Config } from '../config/config.js';

/** RFC 9110 lets a client choose any header text: only a W3C trace id becomes part of our log. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** The trace id of the caller, or a new one: 32 hexadecimal digits (W3C Trace Context). */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const header = request.headers['traceparent'];
  const traced = typeof header === 'string' ? TRACEPARENT.exec(header)?.[1] : undefined;
  return traced ?? randomUUID().replaceAll('-', '');
}

/** The request that is being answered: what a service writes down carries its id, too. */
export const currentRequest = new AsyncLocalStorage<FastifyRequest>();

/**
 * JSON lines from Fastify's own pino. What is logged is chosen field by field, so that there is
 * nothing to remove; the serializers stand for the day when someone logs a whole request.
 */
export function loggerOptions(
  config: Config,
): Exclude<FastifyServerOptions['logger'], boolean | undefined> {
  return {
    level: config.logLevel,
    base: { service: 'bulwark', instance: randomBytes(4).toString('hex') },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: {
      req: (request: { method?: string }) => ({ method: request.method }),
      res: (reply: { statusCode?: number }) => ({ status: reply.statusCode }),
      err: describeError as never,
    },
  };
}

/** Name, message, code and stack. Not the other properties: a query error carries its parameters. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!types.isNativeError(error)) return { message: 'something was thrown that is not an Error' };
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    name,
    message,
    code,
    stack,
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}

/** Nest's own messages go the same way. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: FastifyBaseLogger) {}

  log = (message: unknown, context?: string) => this.logger.debug({ context }, String(message));
  debug = this.log;
  verbose = this.log;
  warn = (message: unknown, context?: string) => this.logger.warn({ context }, String(message));
  error = (message: unknown, ...rest: unknown[]) =>
    this.logger.error({ context: rest.at(-1) }, String(message));
  fatal = this.error;
}
