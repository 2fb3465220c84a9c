import { Controller, createParamDecorator, Get, type ExecutionContext } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { Public } from '../src/access/access.decorators.js';
import { Text } from '../src/http/fields.js';
import { RateLimit } from '../src/http/rate-limit.js';
import { Returns } from '../src/http/returns.decorator.js';
import { startApp, type TestApp } from './support/test-app.js';
import { appWith } from './support/test-module.js';

const LOOT = 'loot-4711';

class NoteDto {
  @Text({ max: 100, example: 'a' })
  name!: string;
}

/**
 * A reader's own way to the raw reply, which the proof of the routes cannot see. In a box: a reply is
 * thenable, and Nest would wait for it to be sent before the handler runs.
 */
const RawReply = createParamDecorator((_data: unknown, context: ExecutionContext) => ({
  reply: context.switchToHttp().getResponse<FastifyReply>(),
}));

const WAYS: Record<string, (reply: FastifyReply) => unknown> = {
  'sends a text': (reply) => reply.send(LOOT),
  'sends JSON as a text': (reply) => reply.type('application/json').send(`{"name":"${LOOT}"}`),
  'sends HTML': (reply) => reply.type('text/html').send(`<b>${LOOT}</b>`),
  'sends bytes': (reply) => reply.send(Buffer.from(LOOT)),
  'sends a stream': (reply) => reply.send(Readable.from([LOOT])),
  'sends a web stream': (reply) => reply.send(new Blob([LOOT]).stream()),
  'sends a web response': (reply) => reply.send(new Response(LOOT)),
  'sends an error': (reply) =>
    reply.send(Object.assign(new Error(LOOT), { statusCode: 400, secret: LOOT })),
  'has a serializer of its own': (reply) =>
    reply.serializer(() => LOOT).send({ name: { secret: LOOT } }),
  'returns a typed array': () => new Uint8Array(Buffer.from(LOOT)),
  'returns a map': () => new Map([['name', LOOT]]),
  'returns a text with JSON of its own': () => ({
    name: Object.assign(Object('a') as object, { toJSON: () => LOOT }),
  }),
};

@Controller('ways')
class WaysController {}

const PARTLY: typeof WAYS = {
  promise: async () => ({ name: 'a', secret: LOOT }),
  observable: () => of({ name: 'a', secret: LOOT }),
  json: () => ({ name: 'a', toJSON: () => ({ secret: LOOT }) }),
};

for (const [name, run] of Object.entries({ ...WAYS, ...PARTLY })) {
  const { prototype } = WaysController;
  Object.defineProperty(prototype, name, {
    value: ({ reply }: { reply: FastifyReply }) => run(reply),
  });
  RawReply()(prototype, name, 0);
  const handler = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
  const path = name.replaceAll(' ', '-');
  for (const decorate of [Get(path), Public(), RateLimit('public'), Returns(200, NoteDto)])
    decorate(prototype, name, handler);
}

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ module: appWith(WaysController) });
});
afterAll(() => app.close());

const call = async (name: string) => {
  const answer = await app.client().get(`/v1/ways/${name.replaceAll(' ', '-')}`);
  expect(answer.text + JSON.stringify([...answer.headers])).not.toContain(LOOT);
  return answer;
};

describe('a handler with the raw reply', () => {
  it.each(Object.keys(WAYS))('gets nothing past the serializer when it %s', async (name) => {
    const answer = await call(name);
    expect([answer.status, answer.body['code']]).toEqual([500, 'internal_error']);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each(Object.keys(PARTLY))(
    'may answer what it declares as a %s, and only that leaves',
    async (name) => {
      const answer = await call(name);
      expect([answer.status, answer.body]).toEqual([200, { name: 'a' }]);
    },
  );
});
