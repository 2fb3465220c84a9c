import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isDatabaseUnavailable, isRowSecurityViolation } from '../database/database-errors.js';
import { Problem, problemBody, type ProblemCode } from './problem.js';
import { allowedMethods } from './route-table.js';
import { SECURITY_HEADERS } from './security-headers.js';

declare module 'fastify' {
  interface FastifyReply {
    /** What the client was told, for the log. */
    problemCode?: ProblemCode;
  }
}

const DATABASE_RETRY_SECONDS = 5;

/** Fastify's own refusals, by its codes. */
const FASTIFY_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_url',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
};

/** Every error ends here: the client gets a code, the log gets the rest (RFC 9457, ASVS 16.5.1). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (!reply.sent) answerProblem(error, request, reply);
  }
}

export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error, request);
  if (problem.status >= 500)
    request.log.error({ code: problem.code, err: problem }, 'request failed');
  reply.problemCode = problem.code;
  reply.bodyIsAllowed = true;
  void reply
    .code(problem.status)
    .headers({ ...SECURITY_HEADERS, 'x-request-id': request.id, ...problem.headers })
    .removeHeader('etag')
    .type('application/problem+json')
    .serializer(String)
    .send(JSON.stringify(problemBody(problem, request.id)));
}

function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HttpException) return fromHttpException(error, request);
  const code = codeOf(error, request);
  if (code) return new Problem(code, { cause: error });
  if (isDatabaseUnavailable(error))
    return new Problem('database_unavailable', {
      cause: error,
      retryAfterSeconds: DATABASE_RETRY_SECONDS,
    });
  // A statement forgot whose rows it may write; the tables did not.
  if (isRowSecurityViolation(error)) return new Problem('forbidden', { cause: error });
  return new Problem('internal_error', { cause: error });
}

/** What the request itself is refused for. */
function codeOf(error: unknown, { raw }: FastifyRequest): ProblemCode | undefined {
  // A client that gives up its upload resets a connection, as a database does that goes away.
  if (raw.errored && error === raw.errored) return 'request_timeout';
  return FASTIFY_CODES[(error as { code?: string } | undefined)?.code ?? ''];
}

/** Nest and Fastify speak in these for unknown routes and unreadable requests; our services do not. */
function fromHttpException(error: HttpException, request: FastifyRequest): Problem {
  const cause = error.cause as { code?: string } | undefined;
  const status = error.getStatus();
  if (status === 404) return unknownRoute(request);
  if (status === 403) return new Problem('forbidden', { cause: error });
  const code = FASTIFY_CODES[cause?.code ?? ''];
  return new Problem(code ?? (status < 500 ? 'malformed_request' : 'internal_error'), {
    cause: error,
  });
}

/** RFC 9110 §15.5.6: an address that exists answers 405 and says what it knows. */
function unknownRoute(request: FastifyRequest): Problem {
  const methods = allowedMethods(request.server, request.url);
  if (methods.length === 0 || methods.includes(request.method)) return new Problem('not_found');
  return new Problem('method_not_allowed', { headers: { allow: methods.join(', ') } });
}
