import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { declaredRoutes, type DeclaredRoute } from './declared-routes.js';
import { Problem, problemBody, PROBLEMS, type ProblemCode } from './problem.js';

const EXAMPLE_REQUEST_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const BEARER = 'accessToken';

const ALWAYS: ProblemCode[] = [
  'malformed_url',
  'url_too_long',
  'forbidden_character',
  'forbidden_key',
  'duplicate_key',
  'validation_failed',
  'unsupported_media_type',
  'rate_limited',
  'headers_too_large',
  'internal_error',
  'database_unavailable',
];
/** A body is read before anybody asks whether the route takes one. */
const WITH_BODY: ProblemCode[] = ['malformed_json', 'too_deep', 'too_many_names', 'body_too_large'];
const WITH_TOKEN: ProblemCode[] = ['authentication_required', 'invalid_token', 'forbidden'];

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** OpenAPI 3.1 of the routes as they are: each answer, each problem, from the same metadata. */
export function buildOpenApi(
  app: INestApplication,
  isPublic: (route: DeclaredRoute) => boolean,
  problemsOfGuards: (route: DeclaredRoute) => ProblemCode[],
) {
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Bulwark')
    .setDescription('A reference backend in which every security control is proven by removing it.')
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt (RFC 9068)' }, BEARER)
    .build();
  const document = SwaggerModule.createDocument(app, about, {
    operationIdFactory: (controller, method) => `${controller}.${method}`,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA as never },
  };
  const routes = new Map(declaredRoutes(app).map((route) => [route.name, route]));
  for (const operation of operationsOf(document)) {
    const route = routes.get(operation.operationId ?? '');
    if (route) complete(operation, route, isPublic(route), problemsOfGuards(route));
  }
  return sorted(toOpenApi31(document)) as OpenAPIObject;
}

function operationsOf(document: OpenAPIObject): Operation[] {
  return Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, unknown>).filter(
      (part): part is Operation =>
        typeof part === 'object' && part !== null && 'operationId' in part,
    ),
  );
}

function complete(
  operation: Operation,
  route: DeclaredRoute,
  open: boolean,
  ofGuards: ProblemCode[],
): void {
  operation.security = open ? [] : [{ [BEARER]: [] }];
  const codes = [
    ...ALWAYS,
    ...(route.method === 'GET' ? [] : WITH_BODY),
    ...(open ? [] : WITH_TOKEN),
    ...ofGuards,
    ...(route.answer?.problems ?? []),
  ];
  for (const status of new Set(codes.map((code) => PROBLEMS[code][0]))) {
    const ofStatus = codes.filter((code) => PROBLEMS[code][0] === status);
    operation.responses[status] = problemResponse(ofStatus) as never;
  }
}

function problemResponse(codes: ProblemCode[]) {
  const examples = codes.map((code) => [
    code,
    { value: problemBody(new Problem(code), EXAMPLE_REQUEST_ID) },
  ]);
  const content = {
    'application/problem+json': {
      schema: { $ref: '#/components/schemas/Problem' },
      examples: Object.fromEntries(examples) as object,
    },
  };
  return { description: codes.map((code) => `\`${code}\``).join(', '), content };
}

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'What went wrong (RFC 9457). `code` is stable; sentences may improve.',
  required: ['type', 'title', 'status', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    challenge: {
      type: 'object',
      description: 'With `second_factor_required` at sign-in: for `POST /v1/auth/second-factor`.',
      required: ['token', 'expiresIn', 'factors'],
      properties: {
        token: { type: 'string', description: 'Good for one sign-in and few tries.' },
        expiresIn: { type: 'integer', description: 'Seconds.' },
        factors: { type: 'array', items: { type: 'string', enum: ['totp', 'recovery_code'] } },
      },
    },
    requestId: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['at', 'rule', 'message'],
        properties: {
          at: { type: 'string', description: 'JSON pointer (RFC 6901), or a parameter.' },
          rule: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** 3.1 is JSON Schema: `nullable` became a type. */
function toOpenApi31(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toOpenApi31);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = node as Record<string, unknown>;
  const parts = Object.entries(rest).map(([key, part]) => [key, toOpenApi31(part)] as const);
  const result: Record<string, unknown> = Object.fromEntries(parts);
  if (nullable === true) result['type'] = [result['type'], 'null'];
  return result;
}

/** The same document whatever order modules load in, so that a stale file can be told. */
function sorted(node: unknown, depth = 0): unknown {
  if (typeof node !== 'object' || node === null || Array.isArray(node) || depth > 2) return node;
  const entries = Object.entries(node).map(
    ([key, part]) => [key, sorted(part, depth + 1)] as const,
  );
  if (depth > 0) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}
