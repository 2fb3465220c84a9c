import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

export const MAX_HEADERS = 100;
const BODYLESS = new Set(['GET', 'HEAD']);

/** Refuses messages that a proxy before us could understand in another way than we do. */
export function checkMessage({ method, headers, raw }: FastifyRequest): void {
  // Node drops headers after the 2,000th, which may be the ones that the proxy added.
  if (raw.rawHeaders.length > 2 * MAX_HEADERS) throw new Problem('headers_too_large');
  // Of two hosts one reader takes the first, another the last (RFC 9112 §3.2).
  if (raw.headersDistinct['host']?.length !== 1) throw new Problem('malformed_request');
  // Fastify would leave the body unread: what follows could be a hidden request (RFC 9110 §9.3.1).
  if (BODYLESS.has(method) && hasBody(headers)) throw new Problem('malformed_request');
  // A compressed body would have to be inflated before its size is known (zip bomb).
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new Problem('unsupported_media_type');
}

const hasBody = (headers: FastifyRequest['headers']) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
