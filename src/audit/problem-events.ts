import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProblemCode } from '../http/problem.js';
import { UUID } from './audit-event.js';
import type { SecurityLog } from './security-log.js';
import type { SecurityEvent } from './vocabulary.js';

/** The refusals that are security events, wherever they were decided. */
const EVENTS: { readonly [C in ProblemCode]?: SecurityEvent } = {
  invalid_token: 'authn_token_invalid',
  forbidden: 'authz_fail',
  cross_site_request: 'authz_fail',
  ambiguous_token: 'input_validation_fail',
  insufficient_user_authentication: 'authz_fail',
  not_found: 'authz_fail',
  second_factor_required_for_role: 'authz_fail',
  rate_limited: 'excess_rate_limit_exceeded',
  malformed_json: 'input_validation_fail',
  duplicate_key: 'input_validation_fail',
  forbidden_key: 'input_validation_fail',
  forbidden_character: 'input_validation_fail',
  too_deep: 'input_validation_fail',
  too_many_names: 'input_validation_fail',
  malformed_url: 'input_validation_fail',
  malformed_request: 'input_validation_fail',
  validation_failed: 'input_validation_fail',
  invalid_cursor: 'input_validation_fail',
  invalid_if_match: 'input_validation_fail',
  invalid_idempotency_key: 'input_validation_fail',
  body_too_large: 'input_validation_fail',
  url_too_long: 'input_validation_fail',
  headers_too_large: 'input_validation_fail',
  unsupported_media_type: 'input_validation_fail',
};

/** Records each answer that is such a refusal. Call before routes are made. */
export function watchProblems(fastify: FastifyInstance, log: SecurityLog): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    tellProblem(log, request, reply);
    done();
  });
}

function tellProblem(
  log: SecurityLog,
  request: FastifyRequest,
  { problemCode: code }: FastifyReply,
): void {
  const event = code && EVENTS[code];
  if (!event) return;
  const { method, route, ip, actor } = request;
  const askedId = code === 'not_found' ? idAskedFor(request) : undefined;
  if (code === 'not_found' && !askedId) return;
  log.tell(event, { code, method, route: route?.url, ip, userId: actor?.userId, askedId }, request);
}

/**
 * Of somebody who is signed in: somebody else's object and a missing one are the same answer, and whoever
 * tries ids gets many of either (ASVS 16.3.2).
 */
function idAskedFor({ actor, params }: FastifyRequest): string | undefined {
  const values = actor ? Object.values(params as Record<string, string>) : [];
  return values.map((value) => value.toLowerCase()).find((value) => UUID.test(value));
}
