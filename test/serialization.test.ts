import { Controller, Get, StreamableFile } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Public } from '../src/access/access.decorators.js';
import { Integer, ListOf, Moment, Text } from '../src/http/fields.js';
import { RateLimit } from '../src/http/rate-limit.js';
import { Returns, ReturnsNothing } from '../src/http/returns.decorator.js';
import { createAdministrator, createResource, share, signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { appWith } from './support/test-module.js';

const CANARY = 'canary-4711';

class Part {
  @Text({ max: 10, example: 'a' })
  name!: string;
}
class Whole {
  @Text({ max: 10, example: 'a' })
  name!: string;

  @Integer({ min: 0, max: 9, example: 1, optional: true })
  count?: number;

  @Moment({ example: '2026-11-23T09:30:00.000Z', nullable: true })
  at!: Date | null;

  @ListOf(() => Part, { maxItems: 9 })
  parts!: Part[];
}

const legal = { name: 'a', at: null, parts: [{ name: 'b' }] };
class Entity {
  name = 'a';
  at = null;
  parts = [{ name: 'b', secret: CANARY }];
  passwordHash = CANARY;
  get derived() {
    return CANARY;
  }
  toJSON() {
    return { secret: CANARY };
  }
}

/** What a handler may return by mistake; `undefined` where nothing at all may leave. */
const RETURNS: Record<string, () => unknown> = {
  extra: () => ({ ...legal, secret: CANARY }),
  nested: () => ({ ...legal, parts: [{ name: 'b', secret: CANARY }] }),
  entity: () => new Entity(),
  objectForText: () => ({ ...legal, name: { secret: CANARY } }),
  textForDate: () => ({ ...legal, at: CANARY }),
  textForNumber: () => ({ ...legal, count: CANARY }),
  textForList: () => ({ ...legal, parts: CANARY }),
  text: () => CANARY,
  buffer: () => Buffer.from(CANARY),
  stream: () => new StreamableFile(Buffer.from(CANARY)),
  list: () => [{ ...legal, secret: CANARY }],
};
const SENDS_A_PART = new Set(['extra', 'nested', 'entity']);

@Controller('careless')
class Careless {
  @Get('silent')
  @Public()
  @RateLimit('public')
  @ReturnsNothing(204)
  silent() {
    return { secret: CANARY };
  }
}
for (const [name, make] of Object.entries(RETURNS)) {
  Object.defineProperty(Careless.prototype, name, { value: make, configurable: true });
  const descriptor = Object.getOwnPropertyDescriptor(Careless.prototype, name) ?? {};
  for (const decorate of [Get(name), Public(), RateLimit('public'), Returns(200, Whole)])
    decorate(Careless.prototype, name, descriptor);
}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ module: appWith(Careless) });
});
afterAll(() => app.close());

describe('what a handler returns', () => {
  it.each(Object.keys(RETURNS))('leaves as declared, or not at all: %s', async (name) => {
    const answer = await app.client().get(`/v1/careless/${name}`);
    expect(answer.text).not.toContain(CANARY);
    if (SENDS_A_PART.has(name)) expect([answer.status, answer.body]).toEqual([200, legal]);
    else expect([answer.status, answer.body['code']]).toEqual([500, 'internal_error']);
  });

  it('does not leave where nothing was declared', async () => {
    const answer = await app.client().get('/v1/careless/silent');
    expect([answer.status, answer.text.includes(CANARY)]).toEqual([500, false]);
  });
});

describe('a new secret column', () => {
  it('is in no answer of any route, without a change of the code', async () => {
    for (const table of ['users', 'resources', 'sessions', 'resource_shares'])
      await app.database.query(`ALTER TABLE ${table} ADD COLUMN secret text DEFAULT '${CANARY}'`);
    const [ada, eve, admin] = await Promise.all([
      signUp(app),
      signUp(app),
      createAdministrator(app),
    ]);
    const { id } = await createResource(ada);
    await share(ada, id, eve, 'write');
    const [row] = await app.database.query('SELECT secret FROM resources WHERE id = $1', [id]);
    expect(row).toEqual({ secret: CANARY });
    const answers = await Promise.all([
      ada.client.get(`/v1/resources/${id}`),
      ada.client.get('/v1/resources'),
      ada.client.get(`/v1/resources/${id}/shares`),
      eve.client.get('/v1/resources/shared-with-me'),
      eve.client.patch(`/v1/resources/${id}`, { title: 'x' }, { 'if-match': '"1"' }),
      ada.client.get('/v1/users/me'),
      ada.client.patch('/v1/users/me', { displayName: 'A' }),
      admin.client.get('/v1/users'),
      admin.client.get(`/v1/users/${ada.id}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(200));
    expect(answers.filter(({ text }) => text.includes(CANARY) || text.includes('argon2'))).toEqual(
      [],
    );
  });
});
