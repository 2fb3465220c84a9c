import type { Type as Class } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { openApiOf } from '../src/app.setup.js';
import { fieldsOf } from '../src/http/fields.js';
import { registeredRoutes } from '../src/http/route-table.js';
import { inventoryOf, type Document, type Route } from './support/inventory.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let document: Document;
let routes: Route[];

beforeAll(async () => {
  app = await startApp();
  document = openApiOf(app.app) as unknown as Document;
  routes = inventoryOf(app);
});
afterAll(() => app.close());

/** The same question to every route: what its code declares and what the document says. */
function expectSame(declared: (route: Route) => unknown, documented: (route: Route) => unknown) {
  expect(routes.map((route) => [route.key, documented(route)])).toEqual(
    routes.map((route) => [route.key, declared(route)]),
  );
}
const namesOf = (dto: Class | undefined) => (dto ? [...fieldsOf(dto).keys()].toSorted() : []);
const parameters = ({ operation }: Route, place: string) =>
  (operation.parameters ?? []).filter((parameter) => parameter.in === place);
const schemaOf = (content: Record<string, { schema: { $ref?: string } }> | undefined) => {
  const ref = content?.['application/json']?.schema.$ref ?? '';
  return document.components.schemas[ref.replace('#/components/schemas/', '')];
};
const propertiesOf = (schema: { properties?: object } | undefined) =>
  Object.keys(schema?.properties ?? {}).toSorted();

describe('what the server answers to', () => {
  it('is in the document, and nothing else is, but the page that shows it', () => {
    const fastify: FastifyInstance = app.app.getHttpAdapter().getInstance();
    const served = registeredRoutes(fastify)
      .filter(({ asset }) => !asset)
      .flatMap(({ methods, url }) => methods.map((method) => `${method} ${url}`));
    const documented = routes.flatMap(({ method, path }) =>
      method === 'GET' ? [`GET ${path}`, `HEAD ${path}`] : [`${method} ${path}`],
    );
    expect(served.toSorted()).toEqual(documented.toSorted());
    const operations = Object.values(document.paths).flatMap((path) => Object.keys(path));
    expect(operations.length).toBe(routes.length);
  });
});

describe('an operation of the document', () => {
  it('asks for a token where the route does, and says so in its problems', () => {
    const challenges = ({ operation }: Route) =>
      operation.responses['401']?.content?.['application/problem+json']?.examples ?? {};
    expectSame(
      ({ callers }) => (callers === 'anybody' ? [[], false] : [[{ accessToken: [] }], true]),
      (route) => [route.operation.security, 'authentication_required' in challenges(route)],
    );
  });

  it('takes the fields that the code takes: path, query and body', () => {
    expectSame(
      ({ inputs }) => [namesOf(inputs.params?.dto), namesOf(inputs.query?.dto)],
      (route) =>
        ['path', 'query'].map((place) =>
          parameters(route, place)
            .map(({ name }) => name)
            .toSorted(),
        ),
    );
    expectSame(
      ({ inputs }) => namesOf(inputs.body?.dto),
      ({ operation }) => propertiesOf(schemaOf(operation.requestBody?.content)),
    );
  });

  it('answers with the status and the fields that the code lets out', () => {
    const good = ({ operation }: Route) =>
      Object.entries(operation.responses).filter(([status]) => status < '400');
    expectSame(
      ({ answer }) => [[`${answer?.status}`, namesOf(answer?.dto)]],
      (route) =>
        good(route).map(([status, { content }]) => [status, propertiesOf(schemaOf(content))]),
    );
  });
});
