import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiOf } from '../src/app.setup.js';
import { createAppSecret, createSigningJwk } from '../src/config/secrets.js';
import { declaredRoutes } from '../src/http/declared-routes.js';
import { PROBLEMS } from '../src/http/problem.js';
import { startApp, type TestApp } from './support/test-app.js';

interface Operation {
  summary?: string;
  security?: object[];
  parameters?: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
  responses: Record<string, { content?: Record<string, { schema?: object; examples?: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, { example?: unknown }> }> };
}

let app: TestApp;
let document: Document;

beforeAll(async () => {
  app = await startApp();
  document = openApiOf(app.app) as unknown as Document;
});
afterAll(() => app.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      operation,
    })),
  );

describe('the OpenAPI document', () => {
  it('is version 3.1 and the one in openapi.json', () => {
    expect(document.openapi).toBe('3.1.0');
    const file = readFileSync(join(import.meta.dirname, '../openapi.json'), 'utf8');
    expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('has every route of the app, and no other', () => {
    const routes = declaredRoutes(app.app).map(({ method, path }) => `${method} ${path}`);
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(routes.toSorted());
  });

  it('says of every operation what it does and who may call it', () => {
    for (const { name, operation } of operations()) {
      const open =
        /health|jwks|register|verify|accept|auth\/confirm|undo|cancel|login|second-factor|auth\/passkey|refresh|forgot|reset/.test(
          name,
        );
      expect([name, typeof operation.summary]).toEqual([name, 'string']);
      expect([name, operation.security?.length ?? 0]).toEqual([name, open ? 0 : 1]);
    }
  });

  it('describes every answer: the good one, and each problem with an example', () => {
    for (const { name, operation } of operations()) {
      const entries = Object.entries(operation.responses);
      expect([name, entries.some(([status]) => status < '300')]).toEqual([name, true]);
      for (const [status, { content }] of entries) {
        if (status >= '400') expect(content?.['application/problem+json']?.examples).toBeTruthy();
        else if (content) expect(content['application/json']?.schema).toBeTruthy();
      }
    }
  });

  it('gives an example of every field of every body', () => {
    for (const { operation } of operations()) {
      const ref = operation.requestBody?.content['application/json']?.schema.$ref;
      const schema = ref && document.components.schemas[ref.split('/').at(-1) ?? ''];
      if (!schema) continue;
      for (const [field, { example }] of Object.entries(schema.properties ?? {}))
        expect([ref, field, example]).not.toEqual([ref, field, undefined]);
    }
  });

  it('names every problem code somewhere, but those that precede every route', () => {
    const text = JSON.stringify(document.paths);
    const missing = Object.keys(PROBLEMS).filter((code) => !text.includes(`"${code}"`));
    expect(missing.toSorted()).toEqual([
      'malformed_request',
      'method_not_allowed',
      'request_timeout',
      'tls_required',
    ]);
  });

  // Addresses end up in histories, logs and Referer headers (ASVS 14.2.1).
  it('takes no secret in an address', () => {
    const named = operations().flatMap(({ name, operation }) =>
      (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path' || parameter.in === 'query')
        .map((parameter) => ({ operation: name, parameter: parameter.name })),
    );
    expect(named.length).toBeGreaterThan(20);
    const secret = /token|key|passw|pass$|secret|credential|session|code|otp|hash|auth|jwt/i;
    expect(named.filter(({ parameter }) => secret.test(parameter))).toEqual([]);
  });

  it('lets nobody in by what others may know of him: no hint, no question, no answer', () => {
    const open = operations().filter(({ operation }) => !operation.security?.length);
    const bodies = open.flatMap(({ name, operation }) => {
      const ref = operation.requestBody?.content['application/json']?.schema.$ref;
      const schema = document.components.schemas[ref?.split('/').at(-1) ?? ''];
      return schema ? [[name, Object.keys(schema.properties ?? {})]] : [];
    });
    const passkey = [
      'credentialId',
      'clientDataJson',
      'authenticatorData',
      'signature',
      'userHandle',
      'refreshTokenIn',
    ];
    expect(Object.fromEntries(bodies)).toEqual({
      'POST /v1/auth/register': ['email', 'password', 'displayName'],
      'POST /v1/auth/verify-address': ['token', 'password'],
      'POST /v1/auth/accept-invitation': ['token', 'password', 'displayName'],
      'POST /v1/auth/confirm-email-change': ['token'],
      'POST /v1/auth/undo-email-change': ['token', 'newPassword'],
      'POST /v1/auth/cancel-deletion': ['token', 'newPassword'],
      'POST /v1/auth/login': ['email', 'password', 'refreshTokenIn'],
      'POST /v1/auth/second-factor': ['challenge', 'code', 'refreshTokenIn'],
      'POST /v1/auth/second-factor/passkey': [...passkey, 'challenge'],
      'POST /v1/auth/passkey': passkey,
      'POST /v1/auth/refresh': ['refreshToken'],
      'POST /v1/auth/forgot-password': ['email'],
      'POST /v1/auth/reset-password': ['token', 'newPassword'],
    });
    const inputs = open.flatMap(({ operation }) => operation.parameters ?? []);
    expect(inputs.filter((parameter) => parameter.in !== 'header')).toEqual([]);
  });

  it('has no keyword that 3.1 does not know', () => {
    expect(JSON.stringify(document)).not.toContain('"nullable"');
  });
});

describe('the documentation page', () => {
  it('is served in development, from here alone', async () => {
    const page = await app.client().get('/docs');
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await app.client().get('/docs/openapi.json')).body).toMatchObject({ openapi: '3.1.0' });
  });

  it('is not there in production', async () => {
    const production = await startApp({
      database: app.database,
      env: {
        NODE_ENV: 'production',
        PUBLIC_URL: 'https://api.example.com',
        MAIL_FROM: 'no-reply@example.com',
        APP_SECRET: createAppSecret(),
        SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }),
      },
    });
    try {
      for (const path of ['/docs', '/docs/openapi.json', '/docs/swagger-ui-bundle.js'])
        expect((await production.client().get(path)).status).toBe(404);
    } finally {
      await production.close();
    }
  });
});
