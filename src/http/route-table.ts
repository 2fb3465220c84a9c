import type { FastifyInstance } from 'fastify';

export interface RegisteredRoute {
  methods: string[];
  url: string;
  asset: boolean;
}

const tables = new WeakMap<object, RegisteredRoute[]>();

/** Remembers every route that Fastify gets, whoever registers it. Call before any route is made. */
export function watchRoutes(fastify: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  tables.set(fastify, routes);
  fastify.addHook('onRoute', ({ method, url, config }) => {
    routes.push({ methods: [method].flat(), url, asset: config?.asset === true });
  });
}

export function registeredRoutes(fastify: FastifyInstance): readonly RegisteredRoute[] {
  return tables.get(fastify) ?? [];
}

/** The methods that the path of `url` knows; none when there is no such path. */
export function allowedMethods(fastify: FastifyInstance, url: string): string[] {
  const [path = ''] = url.split('?', 1);
  // "*" is where CORS answers preflights: it would make every address one that exists.
  const routes = registeredRoutes(fastify).filter((route) => route.url !== '*');
  const candidates = [...new Set(routes.flatMap((route) => route.methods))];
  return candidates.filter((method) => fastify.findRoute({ url: path, method: method }) !== null);
}
