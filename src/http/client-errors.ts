import type { FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { SECURITY_HEADERS } from './security-headers.js';
import { Problem, problemBody, type ProblemCode } from './problem.js';

const CODES: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Time to take the answer. A client that keeps its side open does not keep the connection. */
const LINGER_MS = 1_000;

/** What the client was told, for the log. */
export interface ClientErrorAnswer {
  code: ProblemCode;
  requestId: string;
}

/** What is not even HTTP gets its problem too, before the connection is closed. */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
): ClientErrorAnswer | undefined {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return undefined;
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  const problem = new Problem(CODES[error.code ?? ''] ?? 'malformed_request');
  const requestId = randomUUID().replaceAll('-', '');
  const body = JSON.stringify(problemBody(problem, requestId));
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json',
      ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
      `x-request-id: ${requestId}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  return { code: problem.code, requestId };
}

/**
 * Node ignores an upgrade that nobody hears, but loses the head of what follows: a body that comes
 * later would run as a request. Heard, the connection is parsed no more.
 */
export function refuseUpgrades({ server }: FastifyInstance): void {
  server.on('upgrade', (_request, socket) => {
    // Node has let go of the socket: its errors would be nobody's, and end the process.
    socket.on('error', () => socket.destroy());
    server.emit('clientError', new Error('an upgrade'), socket);
  });
}
