import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Sealer } from '../src/audit/sealer.service.js';
import { SecurityLog } from '../src/audit/security-log.js';
import { sealed, verify } from './support/audit.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
});
afterAll(async () => {
  await other.close();
  await app.close();
});

const query = (text: string, values?: unknown[]) => app.database.query(text, values);

/** One event in a transaction of its own, as services write them. */
const write = ({ app: instance }: TestApp, change: string) =>
  instance
    .get(DataSource)
    .transaction((tx) => instance.get(SecurityLog).record(tx, 'user_updated', { change }));

describe('sealing', () => {
  it('seals 50 events at once by two instances, each once, in one chain without a gap', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_none, n) => write(n % 2 ? app : other, `parallel ${n}`)),
    );
    await Promise.all([sealed(app), sealed(other), app.app.get(Sealer).run()]);
    const [counts] = await query(`
      SELECT count(*)::int AS links, count(DISTINCT event_id)::int AS events, max(seq)::int AS last,
        (SELECT count(*)::int FROM audit_events) AS written FROM audit_chain`);
    expect(counts).toEqual({
      links: counts?.['written'],
      events: counts?.['written'],
      last: counts?.['written'],
      written: expect.any(Number),
    });
    expect(counts?.['written']).toBeGreaterThanOrEqual(50);
    expect(await verify(app)).toMatchObject({ fault: null, events: counts?.['written'] });
  });
});
