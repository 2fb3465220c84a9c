import type { FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Problem } from './problem.js';

export const MAX_HEADERS = 100;
/** RFC 3986 §3.2: a name or an address, and a port. */
const HOST = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+)(?::\d*)?$/i;
const CHUNKS_LAST = /(?:^|[\s,])chunked$/i;
const BODYLESS = new Set(['GET', 'HEAD']);

/** Refuses messages that a proxy before us could understand in another way than we do. */
export function checkMessage({ method, headers, raw }: FastifyRequest): void {
  // Node drops headers after the 2,000th, which may be the ones that the proxy added.
  if (raw.rawHeaders.length > 2 * MAX_HEADERS) throw new Problem('headers_too_large');
  if (!hasOneHost(raw)) throw new Problem('malformed_request');
  if (hasDoubtfulChunks(headers, raw.httpVersion)) throw new Problem('malformed_request');
  // Fastify would leave the body unread: what follows could be a hidden request (RFC 9110 §9.3.1).
  if (BODYLESS.has(method) && hasBody(headers)) throw new Problem('malformed_request');
  // A compressed body would have to be inflated before its size is known (zip bomb).
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new Problem('unsupported_media_type');
}

/** Of two hosts, or of a text that is none, each reader takes another part (RFC 9112 §3.2). */
function hasOneHost({ headersDistinct }: IncomingMessage): boolean {
  const [host = '', ...more] = headersDistinct['host'] ?? [];
  return more.length === 0 && HOST.test(host);
}

/** Some readers take these for a message without chunks (RFC 9112 §6.1). Node refuses other codings. */
const hasDoubtfulChunks = ({ 'transfer-encoding': coding }: IncomingHttpHeaders, version: string) =>
  CHUNKS_LAST.test(coding ?? '') && (coding !== 'chunked' || version !== '1.1');

const hasBody = (headers: FastifyRequest['headers']) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
