import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe('GET /v1/health/live and ready', () => {
  it('answer everybody, and tell nothing but the status', async () => {
    for (const path of ['/v1/health/live', '/v1/health/ready']) {
      const answer = await app.client().get(path);
      expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}']);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('are live, but not ready, while migrations are pending', async () => {
    const { query } = app.database;
    await query(`UPDATE migrations SET name = name || '-'`);
    const answer = await app.client().get('/v1/health/ready');
    expectProblem(answer, 503, 'not_ready');
    expect(answer.text).not.toMatch(/migration|foundation/);
    expect((await app.client().get('/v1/health/live')).status).toBe(200);
    await query(`UPDATE migrations SET name = rtrim(name, '-')`);
    expect((await app.client().get('/v1/health/ready')).status).toBe(200);
  });
});
