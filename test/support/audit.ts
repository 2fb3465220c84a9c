import { DataSource } from 'typeorm';
import { auditEvent, insertEvent, type AuditEvent } from '../../src/audit/audit-event.js';
import { Sealer } from '../../src/audit/sealer.service.js';
import { verifyChain } from '../../src/audit/verify-chain.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import type { TestApp } from './test-app.js';
import { until } from './waiting.js';

/** Everything that was written so far is sealed, by this instance or another. */
export async function sealed({ app, database }: Pick<TestApp, 'app' | 'database'>): Promise<void> {
  await until(async () => {
    await app.get(Sealer).run();
    return (await database.query('SELECT FROM audit_unsealed')).length === 0;
  }, 'all events are sealed');
}

export const verify = ({ app, config }: Pick<TestApp, 'app' | 'config'>, kept: string[] = []) =>
  verifyChain(app.get(DataSource), config.keys.audit, { kept });

/** Events of one person or one kind, oldest first, as they stand in the table. */
export const eventsOf = ({ database }: Pick<TestApp, 'database'>, event: string, userId: string) =>
  database.query(
    `SELECT event, outcome, actor_id AS "actorId", user_id AS "userId", object_kind AS "objectKind",
       object_id AS "objectId", host(ip) AS ip, request_id AS "requestId", facts
     FROM audit_events WHERE event = $1 AND user_id = $2 ORDER BY recorded_at`,
    [event, userId],
  );

/** An event that was recorded then, and waits. */
export async function writeAt(
  { database, config }: Pick<TestApp, 'database' | 'config'>,
  recordedAt: Date,
): Promise<AuditEvent> {
  const event = { ...auditEvent('user_updated', { change: 'x' }, undefined), recordedAt };
  // The policies keep the app, and the owner, from any other time than now.
  const options = { ...dataSourceOptions(config), url: database.urls.admin };
  const past = await new DataSource(options).initialize();
  try {
    await insertEvent(past, config.keys.audit.auditKey, event);
    return event;
  } finally {
    await past.destroy();
  }
}

/** What became of keys, in the order in which it was recorded. */
export const keyEvents = ({ database }: Pick<TestApp, 'database'>) =>
  database.query(
    `SELECT event, facts FROM audit_events
     WHERE event LIKE 'crypto\\_key\\_%' AND actor_id IS NULL ORDER BY recorded_at, event`,
  );
