import { DataSource } from 'typeorm';
import { auditEvent, insertEvent } from '../audit/audit-event.js';
import { Config } from '../config/config.js';
import type { Environment } from '../config/environment.js';
import { KeyRotation, type RecordKeys } from '../crypto/key-rotation.js';
import { openCrypto } from '../crypto/open-crypto.js';
import { placesOfTables } from '../crypto/sealed-places.js';
import { acrossOwners } from '../database/acting.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { JOB_PLACES } from '../database/sealed-job-places.js';
// Whoever declares something `@Encrypted()` is known once its module is loaded.
import '../app.module.js';

/** A look through a whole table takes longer than a request may. */
const STATEMENT_MS = 10 * 60_000;

/** Does the work as the app's role, with the keys that the environment names now. */
export async function withRotation<T>(
  env: Environment,
  work: (rotation: KeyRotation, record: RecordKeys) => Promise<T>,
): Promise<T> {
  const config = new Config(env);
  const options = dataSourceOptions(config);
  const patience = { statement_timeout: STATEMENT_MS, query_timeout: STATEMENT_MS };
  const db = new DataSource({ ...options, extra: { ...options.extra, max: 2, ...patience } });
  await db.initialize();
  const { keys, wrapper } = openCrypto(config);
  const record: RecordKeys = (event, facts, tx = db.manager) =>
    insertEvent(tx, config.keys.audit.auditKey, auditEvent(event, facts, undefined));
  try {
    const places = [...placesOfTables(), JOB_PLACES];
    return await acrossOwners(() => work(new KeyRotation(db, keys, wrapper, places), record));
  } finally {
    await db.destroy();
  }
}

/**
 * Of keys in a file, which is in no transaction: before the file is changed. What was told and not done is found
 * by who looks; what was done and not told is not.
 */
export const recordsKeys =
  (env: Environment): RecordKeys =>
  (event, facts) =>
    withRotation(env, (_rotation, record) => record(event, facts));
