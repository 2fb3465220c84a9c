import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Child } from './support/child.js';
import { Client } from './support/client.js';
import { testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import type { LogLine } from './support/spawned-app.js';

const LOOT = 'loot-4711';
const PROGRAM = ['--import', './scripts/typescript.js', 'test/support/faulty-app.ts'];

let database: TestDatabase;
const children: Child[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.drop();
});

async function start() {
  const env = { ...testEnvironment(database.urls.app), LOG_LEVEL: 'info' };
  const child = new Child(PROGRAM, { env });
  children.push(child);
  const url = await child.printed(/Server listening at (http:[^"]+)/);
  return { child, client: new Client(url) };
}

const logOf = ({ output }: Child) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);

describe('an error that nobody caught, outside of any request', () => {
  it.each([
    ['thrown', 'no such row'],
    ['rejected', 'no such row'],
    ['text', 'something was thrown that is not an Error'],
    ['nothing', 'something was thrown that is not an Error'],
  ])(
    'is one fatal line without its values, and the process ends in order with 1: %s',
    async (fault, message) => {
      const { child, client } = await start();
      expect((await client.get('/v1/health/live', { 'x-fault': fault })).status).toBe(200);
      expect(await child.exit).toBe(1);
      const lines = logOf(child);
      const fatal = lines.filter(({ level }) => level === 'fatal');
      expect(fatal).toMatchObject([{ msg: 'an error that nobody caught', err: { message } }]);
      expect(lines.at(-1)).toMatchObject({ event: 'sys_shutdown' });
      expect(child.output).not.toContain(LOOT);
      // Nothing that is not a log line: no stack beside it.
      expect(child.output).not.toMatch(/^ +at /m);
    },
    60_000,
  );
});
