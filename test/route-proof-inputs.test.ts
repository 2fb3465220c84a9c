import { Body, Controller, Get, Param, Post, Query, Res, Sse, type Type } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Public } from '../src/access/access.decorators.js';
import { Text } from '../src/http/fields.js';
import { RateLimit } from '../src/http/rate-limit.js';
import { ReturnsNothing } from '../src/http/returns.decorator.js';
import { InsecureRouteError } from '../src/http/route-proof.js';
import { startApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { appWith } from './support/test-module.js';
import { until } from './support/waiting.js';

class NoteDto {
  @Text({ max: 10, example: 'a' })
  note!: string;
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function faultsOf(controller: Type): Promise<string[]> {
  const booted = startApp({ database, module: appWith(controller) });
  const error: unknown = await booted.then(
    (app) => app.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InsecureRouteError);
  return (error as InsecureRouteError).faults;
}

const open = [Public(), RateLimit('public'), ReturnsNothing(204)];

/** A route that lacks nothing but what its parameters (of these types) or its method bring. */
function careless(method: MethodDecorator, ...inputs: [ParameterDecorator, unknown][]): Type {
  @Controller('careless')
  class CarelessController {
    handle() {}
  }
  const { prototype } = CarelessController;
  const handler = Object.getOwnPropertyDescriptor(prototype, 'handle') ?? {};
  const types = inputs.map(([, type]) => type);
  Reflect.defineMetadata('design:paramtypes', types, prototype, 'handle');
  for (const [index, [decorate]] of inputs.entries()) decorate(prototype, 'handle', index);
  for (const decorate of [method, ...open]) decorate(prototype, 'handle', handler);
  return CarelessController;
}

describe('a route does not boot', () => {
  it.each<[string, Type, string]>([
    ['when its body is a list', careless(Post(), [Body(), Array]), 'takes Array as body'],
    ['when its body is a text', careless(Post(), [Body(), String]), 'takes String as body'],
    ['when its body has no type', careless(Post(), [Body(), undefined]), 'no class for its body'],
    ['when its query is a type only', careless(Get(), [Query(), Object]), 'no class for its query'],
    [
      'when its path is a type only',
      careless(Get(':note'), [Param(), Object]),
      'no class for its params',
    ],
    [
      'when it takes one parameter of its path',
      careless(Get(':note'), [Param('note'), String]),
      'takes "note" of its params alone',
    ],
    [
      'when it takes one property beside the whole DTO',
      careless(Post(), [Body(), NoteDto], [Body('other'), String]),
      'takes "other" of its body alone',
    ],
    ['when it takes the raw reply', careless(Get(), [Res(), Object]), 'takes the raw request'],
    ['when it streams events', careless(Sse()), 'streams events, which pass no serializer'],
  ])('%s', async (_what, controller, cure) => {
    const faults = await faultsOf(controller);
    expect(faults).toEqual([expect.stringContaining('/v1/careless')]);
    expect(faults[0]).toContain('(CarelessController.handle)');
    expect(faults[0]).toContain(cure);
  });
});

describe('a boot that fails', () => {
  it('keeps no connection to the database', async () => {
    await faultsOf(careless(Get(), [Query(), Object]));
    // PostgreSQL notices the end of one a moment later.
    const connections = () =>
      database.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'bulwark%'`,
      );
    await until(async () => (await connections()).length === 0, 'no connection is left');
    expect(await connections()).toEqual([]);
  });
});
