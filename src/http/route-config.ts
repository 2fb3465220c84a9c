import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { RateLimitClass } from './rate-limit.js';

/** What hooks need to know of a route. It stands on the Fastify route itself: no look-up a request. */
export interface BulwarkRoute {
  rateLimit?: RateLimitClass;
  serialize?: (value: unknown) => unknown;
  /** The answer leaves as a file of this name, piece by piece. */
  file?: { name: string; write: (value: unknown) => AsyncIterable<string> };
  /** The answer's `version` leaves as its ETag too. */
  versioned?: boolean;
  /** Its statements may reach rows of everybody. */
  acrossOwners?: true;
  /** A file of the documentation page, which development serves as it is. */
  asset?: true;
}

declare module 'fastify' {
  interface FastifyContextConfig extends BulwarkRoute {}
}

/** Adds to the route's configuration; several decorators may. */
export const routeConfig =
  (part: BulwarkRoute): MethodDecorator =>
  (prototype, name, descriptor: PropertyDescriptor) => {
    const handler = descriptor.value as object;
    const rest: BulwarkRoute = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) ?? {};
    RouteConfig({ ...rest, ...part })(prototype, name, descriptor);
  };
