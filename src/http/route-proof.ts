import type { INestApplication, Type as Class } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { getMetadataStorage } from 'class-validator';
import type { FastifyInstance } from 'fastify';
import { declaredRoutes, type DeclaredRoute } from './declared-routes.js';
import { fieldsOf } from './fields.js';
import type { InputPlace } from './route-inputs.js';
import { registeredRoutes } from './route-table.js';

/** What a route lacks, each fault with its cure. */
export type RouteCheck = (route: DeclaredRoute) => string[];

export class InsecureRouteError extends Error {
  constructor(readonly faults: string[]) {
    super(`Insecure routes do not boot:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

const answers: RouteCheck = ({ answer, handler }) => {
  if (Reflect.hasMetadata(SSE_METADATA, handler))
    return ['streams events, which pass no serializer: answer with a list instead of @Sse()'];
  if (!answer)
    return ['has no declared answer: add @Returns(200, SomeResponse) or @ReturnsNothing(204)'];
  if (answer.dto && fieldsOf(answer.dto).size === 0)
    return [`returns ${answer.dto.name}, which has no fields: give it some of http/fields.ts`];
  return [];
};

const isLimited: RouteCheck = ({ rateLimit }) =>
  rateLimit
    ? []
    : ["has no rate limit: add @RateLimit('read') or another class of http/rate-limit.ts"];

const takesDtosOnly: RouteCheck = ({ inputs, path }) => {
  const faults = (['body', 'query', 'params'] as const).flatMap((place) =>
    faultsOf(place, inputs[place]),
  );
  if (inputs.unchecked)
    faults.push(
      'takes the raw request, headers, cookies or reply: use a decorator that checks what it reads, and return the answer',
    );
  if (path.includes(':') && !inputs.params)
    faults.push('has parameters in its path: add @Param() params: SomeParams');
  return faults;
};

function faultsOf(
  place: InputPlace,
  input: { dto?: Class | undefined; property?: string | undefined } | undefined,
) {
  if (!input) return [];
  const { dto, property } = input;
  if (property)
    return [`takes "${property}" of its ${place} alone: take the whole DTO, then the property`];
  if (!dto || dto === Object)
    return [`has no class for its ${place}: name a DTO class, and import it without "type"`];
  const storage = getMetadataStorage();
  if (storage.getTargetValidationMetadatas(dto, '', false, false).length === 0)
    return [
      `takes ${dto.name} as ${place}, which validates nothing: give it fields of http/fields.ts`,
    ];
  return [];
}

const HTTP_CHECKS: RouteCheck[] = [answers, isLimited, takesDtosOnly];

/** Throws one InsecureRouteError that names every careless route and the line to add. */
export function proveRoutes(app: INestApplication, extraChecks: RouteCheck[]): void {
  const routes = declaredRoutes(app);
  const checks = [...extraChecks, ...HTTP_CHECKS];
  const faults = routes.flatMap((route) =>
    checks.flatMap((check) => check(route)).map((fault) => `${title(route)} ${fault}`),
  );
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  faults.push(...undeclared(fastify, routes));
  if (faults.length > 0) throw new InsecureRouteError(faults);
}

const title = ({ method, path, name }: DeclaredRoute) => `${method} ${path} (${name})`;

/** Routes that somebody gave to Fastify directly: guards, pipes and the proof never see them. */
function undeclared(fastify: FastifyInstance, declared: DeclaredRoute[]): string[] {
  const known = new Set(declared.map(({ method, path }) => `${method} ${path}`));
  return registeredRoutes(fastify)
    .filter(({ asset }) => !asset)
    .flatMap(({ methods, url }) =>
      methods.map((method) => `${method === 'HEAD' ? 'GET' : method} ${url}`),
    )
    .filter((route) => !known.has(route) && route !== 'OPTIONS *')
    .map((route) => `${route} stands outside of every controller: make it a controller's method`);
}
