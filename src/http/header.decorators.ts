import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { deviceOf } from './device.js';
import { Problem } from './problem.js';

const STRONG_ETAG = /^"(\d{1,9})"$/;
const KEY = /^[\w-]{1,64}$/;

const header = (context: ExecutionContext, name: string): string | undefined =>
  context.switchToHttp().getRequest<FastifyRequest>().headers[name] as string | undefined;

/**
 * The version in If-Match (RFC 9110 §13.1.1), or undefined. Lists, weak tags and `*` are refused:
 * each would let a write through that its author did not see coming.
 */
export const IfMatch = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const text = header(context, 'if-match');
  if (text === undefined) return undefined;
  const version = STRONG_ETAG.exec(text)?.[1];
  if (!version) throw new Problem('invalid_if_match');
  return Number(version);
});

/** The browser and the system that the client says it is, in words of ours. */
export const Device = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  deviceOf(header(context, 'user-agent')),
);

/** The key under which a repeated POST is recognized, or undefined. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const text = header(context, 'idempotency-key');
  if (text !== undefined && !KEY.test(text)) throw new Problem('invalid_idempotency_key');
  return text;
});
