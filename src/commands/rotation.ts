import { DataSource, type EntityManager } from 'typeorm';
import { auditEvent, insertEvent } from '../audit/audit-event.js';
import type { EventFacts, SecurityEvent } from '../audit/vocabulary.js';
import { Config } from '../config/config.js';
import type { Environment } from '../config/environment.js';
import { KeyRotation, type RecordKeys } from '../crypto/key-rotation.js';
import { openCrypto } from '../crypto/open-crypto.js';
import { placesOfTables } from '../crypto/sealed-places.js';
import type { Place } from '../crypto/sealing.js';
import { acrossOwners } from '../database/acting.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { JOB_PLACES } from '../database/sealed-job-places.js';
// Whoever declares something `@Encrypted()` is known once its module is loaded.
import '../app.module.js';

/** A look through a whole table takes longer than a request may. */
const STATEMENT_MS = 10 * 60_000;

/** Does the work as the app's role, with the keys that the environment names now. */
export const withRotation = <T>(
  env: Environment,
  work: (rotation: KeyRotation) => Promise<T>,
): Promise<T> =>
  withDatabase(env, (db, config) => {
    const { keys, wrapper } = openCrypto(config);
    const places = [...placesOfTables(), JOB_PLACES];
    const record: RecordKeys = (event, facts, tx = db.manager) =>
      recordEvent(tx, config, event, facts);
    return work(new KeyRotation(db, { keys, wrapper, places, record }));
  });

/** As by the app, when it finds such a value. */
export const recordDamage = (env: Environment, places: Place[]): Promise<void> =>
  withDatabase(env, async (db, config) => {
    for (const { table, column, row } of places)
      await recordEvent(db.manager, config, 'data_integrity_fail', {
        table,
        column,
        row: row.join(' '),
      });
  });

/**
 * Of keys in a file, which is in no transaction: before the file is changed. What was told and not done is found
 * by who looks; what was done and not told is not.
 */
export const recordsKeys =
  (env: Environment): RecordKeys =>
  (event, facts) =>
    withDatabase(env, (db, config) => recordEvent(db.manager, config, event, facts));

const recordEvent = (
  tx: EntityManager,
  { keys }: Config,
  event: SecurityEvent,
  facts: EventFacts,
): Promise<void> => insertEvent(tx, keys.audit.auditKey, auditEvent(event, facts, undefined));

async function withDatabase<T>(
  env: Environment,
  work: (db: DataSource, config: Config) => Promise<T>,
): Promise<T> {
  const config = new Config(env);
  const options = dataSourceOptions(config);
  const patience = { statement_timeout: STATEMENT_MS, query_timeout: STATEMENT_MS };
  const db = new DataSource({ ...options, extra: { ...options.extra, max: 2, ...patience } });
  await db.initialize();
  try {
    return await acrossOwners(() => work(db, config));
  } finally {
    await db.destroy();
  }
}
