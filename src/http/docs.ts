import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { serveAsset } from './assets.js';

const ASSETS = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
} as const;

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Bulwark API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#docs', deepLinking: true });`;
/** The page needs its own scripts, and Swagger UI writes style attributes. Nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/** The documentation page, for development. */
export function serveDocs(fastify: FastifyInstance, describe: () => OpenAPIObject): void {
  const serve = (url: string, type: string, body: string | (() => string)) =>
    serveAsset(fastify, url, { type, body, policy: POLICY });
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  serve('/docs', 'text/html; charset=utf-8', PAGE);
  serve('/docs/start.js', 'text/javascript', START);
  // Once somebody asks: describing all routes is a quarter of a start.
  let description: string | undefined;
  serve(
    '/docs/openapi.json',
    'application/json',
    () => (description ??= JSON.stringify(describe())),
  );
  for (const [file, type] of Object.entries(ASSETS))
    serve(`/docs/${file}`, `${type}; charset=utf-8`, readFileSync(join(folder, file), 'utf8'));
}
