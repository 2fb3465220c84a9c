import type { FastifyInstance } from 'fastify';

/** Serves a file of ours as it is, outside of the API: a page for people, its style, its script. */
export function serveAsset(
  fastify: FastifyInstance,
  url: string,
  { type, body, policy }: { type: string; body: string | (() => string); policy: string },
): void {
  fastify.get(url, { config: { asset: true, rateLimit: 'public' } }, (_request, reply) =>
    reply
      .type(type)
      .header('content-security-policy', policy)
      .send(typeof body === 'string' ? body : body()),
  );
}
