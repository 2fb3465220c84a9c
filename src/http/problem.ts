/** One code, one status, one public sentence. Clients may rely on the codes; sentences may improve. */
export const PROBLEMS = {
  malformed_json: [400, 'The body is not valid JSON in UTF-8.'],
  duplicate_key: [400, 'The body or the query names the same property twice.'],
  forbidden_key: [400, 'The body or the query uses a property name that is never allowed.'],
  forbidden_character: [400, 'The request holds a NUL byte or text that is not valid Unicode.'],
  too_deep: [400, 'The body is nested too deeply.'],
  too_many_names: [400, 'The body has too many names.'],
  malformed_url: [400, 'The URL is not valid.'],
  malformed_request: [400, 'The request is not valid HTTP.'],
  validation_failed: [400, 'The request does not have the shape that this operation asks for.'],
  invalid_cursor: [400, 'The cursor does not belong to this list, filter and order.'],
  invalid_if_match: [400, 'If-Match must hold exactly one strong entity tag, as ETag gave it.'],
  invalid_idempotency_key: [400, 'Idempotency-Key must be 1 to 64 letters, digits, "-" or "_".'],
  weak_password: [400, 'The password is too easy to guess; choose a longer or less common one.'],
  wrong_password: [400, 'The password is wrong.'],
  ambiguous_token: [400, 'Send one refresh token, in the body or in the cookie.'],
  wrong_code: [400, 'The code is wrong, was used before or has expired.'],
  invalid_passkey: [400, 'The passkey is not known here, or its answer is not valid any more.'],
  invalid_link: [400, 'The link is not valid, was used before or has expired.'],
  authentication_required: [401, 'This operation needs an access token.'],
  invalid_token: [401, 'The access token is not valid, has expired or was revoked.'],
  invalid_credentials: [401, 'The e-mail address or the password is wrong.'],
  second_factor_required: [401, 'The password is right; this account asks for a second factor.'],
  invalid_challenge: [401, 'The challenge is not valid any more; sign in again.'],
  insufficient_user_authentication: [401, 'You signed in too long ago for this: reauthenticate.'],
  invalid_refresh_token: [401, 'The refresh token is not valid or has expired.'],
  token_reused: [401, 'The refresh token was used before; its session has been ended.'],
  address_not_verified: [
    403,
    'Open the link in the mail that we sent to your address, then sign in.',
  ],
  account_leaving: [
    403,
    'This account is about to be deleted; the link in the mail that says so keeps it.',
  ],
  forbidden: [403, 'You may not do this.'],
  tls_required: [
    403,
    'Nothing is answered without TLS: use https. A token that came so has ended.',
  ],
  cross_site_request: [403, 'The cookie is for pages of this very origin.'],
  second_factor_required_for_role: [403, 'Administrators need a second factor here: add one.'],
  not_found: [404, 'There is nothing here for you.'],
  method_not_allowed: [405, 'This address does not know that method.'],
  request_timeout: [408, 'The request took too long to arrive.'],
  last_administrator: [
    409,
    'The last active administrator cannot be removed, disabled or demoted.',
  ],
  too_many_factors: [409, 'You have as many factors as one account can have; remove one.'],
  no_second_factor: [409, 'There is no second factor that these codes could stand in for.'],
  password_needs_second_factor: [
    409,
    'Your password is too short to be the only factor; set a longer one first.',
  ],
  export_exists: [
    409,
    'There is an export already; the next can be asked for when it has expired.',
  ],
  idempotency_key_spent: [409, 'What was created under this Idempotency-Key is gone.'],
  version_mismatch: [412, 'The resource has changed since you read it; read it again.'],
  body_too_large: [413, 'The body is too large.'],
  url_too_long: [414, 'The URL is too long.'],
  unsupported_media_type: [415, 'The body must be application/json, without a content encoding.'],
  idempotency_key_reused: [422, 'This Idempotency-Key was used for another request.'],
  if_match_required: [428, 'Send the ETag of the version that you read in If-Match.'],
  rate_limited: [429, 'Too many requests; wait as Retry-After says.'],
  too_many_failures: [
    429,
    'Too many wrong passwords: sign in where you did before, or set a new password by mail.',
  ],
  headers_too_large: [431, 'The headers are too large.'],
  internal_error: [500, 'Something went wrong on our side.'],
  overloaded: [503, 'The service is busy; try again soon.'],
  database_unavailable: [503, 'The service cannot reach its data; try again soon.'],
  not_ready: [503, 'This instance is not ready to serve.'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What is wrong with one input: where (RFC 6901 pointer or parameter name) and what, never the value. */
export interface InputError {
  at: string;
  rule: string;
  message: string;
}

/** What a client needs to go on after the password. */
export interface Challenge {
  token: string;
  expiresIn: number;
  factors: string[];
}

interface ProblemOptions {
  /** For the log; never leaves. */
  cause?: unknown;
  errors?: InputError[];
  challenge?: Challenge;
  headers?: Record<string, string>;
  retryAfterSeconds?: number;
}

/** The one error that services throw. Its code decides everything that the client sees. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: InputError[] | undefined;
  readonly challenge: Challenge | undefined;
  readonly headers: Record<string, string>;

  constructor(
    readonly code: ProblemCode,
    options: ProblemOptions = {},
  ) {
    super(code, { cause: options.cause });
    this.status = PROBLEMS[code][0];
    this.errors = options.errors;
    this.challenge = options.challenge;
    const { retryAfterSeconds: wait } = options;
    this.headers = { ...options.headers, ...(wait && { 'retry-after': `${Math.ceil(wait)}` }) };
  }
}

/** The body of every error, RFC 9457. */
export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  const { code, status, errors, challenge } = problem;
  return {
    type: `urn:bulwark:problem:${code}`,
    title: PROBLEMS[code][1],
    status,
    code,
    requestId,
    ...(errors && { errors }),
    ...(challenge && { challenge }),
  };
}

/** RFC 6750 §3: what a client must send, and what was wrong with what it sent. */
export function bearerProblem(code: 'authentication_required' | 'invalid_token', cause?: unknown) {
  const error = code === 'invalid_token' ? ', error="invalid_token"' : '';
  const headers = { 'www-authenticate': `Bearer realm="bulwark"${error}` };
  return new Problem(code, { cause, headers });
}

/** RFC 9470 §3: the token is good, but the sign-in behind it is older than this route takes. */
export function staleProblem(maxAgeSeconds: number) {
  const code = 'insufficient_user_authentication';
  const challenge = `Bearer realm="bulwark", error="${code}", max_age="${maxAgeSeconds}"`;
  return new Problem(code, { headers: { 'www-authenticate': challenge } });
}
