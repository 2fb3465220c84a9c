import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { carriesCredentials } from './in-clear.js';
import { Problem, problemBody } from './problem.js';
import { SECURITY_HEADERS } from './security-headers.js';

/** Pages are asked for by people who type addresses; no program does. Nothing else is redirected. */
const PAGE = /^\/account\/[\w.-]+$/;

/** Browsers must not take it from an answer that anybody on the way can write (RFC 6797 §7.2). */
const { 'strict-transport-security': _onlyOverTls, ...HEADERS } = SECURITY_HEADERS;

interface Bounds {
  maxHeaderSize: number;
  headersTimeout: number;
  requestTimeout: number;
  connectionsCheckingInterval: number;
}

interface Rules {
  /** Where pages are, over TLS. */
  publicUrl: string;
  bounds: Bounds;
  /** Called for credentials that came in clear, before the answer. */
  onCredentials: (request: IncomingMessage, requestId: string) => Promise<void>;
  onUnreadable: (error: Error, socket: Socket) => void;
}

/**
 * What stands at the port of plain HTTP when TLS ends in this process. It knows no route and reads no
 * body. A client of the API that speaks in clear hears so: were it redirected, nobody would ever
 * notice that its token crosses the net before each redirect (ASVS 4.1.2, 12.2.1).
 */
export function createPlainListener({ publicUrl, bounds, ...rules }: Rules): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const requestId = randomUUID().replaceAll('-', '');
    const inClear = carriesCredentials(request);
    if (inClear) await rules.onCredentials(request, requestId);
    const isPage = !inClear && request.method !== 'OPTIONS' && PAGE.test(request.url ?? '');
    if (isPage) redirect(response, publicUrl + request.url, requestId);
    else refuse(response, requestId);
  };
  const server = createServer(bounds, (request, response) => void answer(request, response));
  // Node would ask for the body, password and all, before anybody could refuse it.
  for (const event of ['checkContinue', 'checkExpectation'] as const)
    server.on(event, (request: IncomingMessage, response: ServerResponse) =>
      server.emit('request', request, response),
    );
  server.on('clientError', (error: Error, socket) => rules.onUnreadable(error, socket as Socket));
  return server;
}

function redirect(response: ServerResponse, location: string, requestId: string): void {
  response
    .writeHead(308, { ...HEADERS, location, 'x-request-id': requestId, connection: 'close' })
    .end();
}

function refuse(response: ServerResponse, requestId: string): void {
  const problem = new Problem('tls_required');
  const body = JSON.stringify(problemBody(problem, requestId));
  response
    .writeHead(problem.status, {
      ...HEADERS,
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
      connection: 'close',
    })
    .end(body);
}
