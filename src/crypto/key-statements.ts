import { CURRENT_AGE_MS } from './data-keys.js';

/** Twice as long as an instance seals with a key that has been retired meanwhile. */
export const GRACE_SECONDS = (2 * CURRENT_AGE_MS) / 1_000;
const OWNERS_A_BATCH = 200;

export const STATUS = `SELECT kek, count(*)::int AS keys,
    count(*) FILTER (WHERE retired_at IS NOT NULL)::int AS retired
  FROM keys.data_keys GROUP BY kek ORDER BY kek`;
export const TO_RENEW = `SELECT count(*)::int AS count FROM keys.data_keys
  WHERE retired_at IS NULL AND kek <> $1`;
/** The person first, as by the deletion of the account: the two never wait for each other. */
export const NEXT_OWNERS = `SELECT k.id, k.owner_id AS owner FROM keys.data_keys k
  JOIN users u ON u.id = k.owner_id
  WHERE k.retired_at IS NULL AND k.kek <> $1 ORDER BY k.id LIMIT ${OWNERS_A_BATCH}
  FOR KEY SHARE OF u SKIP LOCKED FOR UPDATE OF k SKIP LOCKED`;
export const APP_KEY = `SELECT id, owner_id AS owner FROM keys.data_keys
  WHERE owner_id IS NULL AND retired_at IS NULL AND kek <> $1 FOR UPDATE`;
export const RETIRE = `UPDATE keys.data_keys SET retired_at = clock_timestamp() WHERE id = ANY($1)`;
export const ADD = `INSERT INTO keys.data_keys (id, owner_id, wrapped, kek)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[])`;
export const TO_REWRAP = `SELECT id, owner_id AS owner, wrapped, kek FROM keys.data_keys
  WHERE kek <> $1 AND id > $2 ORDER BY id LIMIT 500`;
export const REWRAP = `UPDATE keys.data_keys SET wrapped = $2, kek = $3 WHERE id = $1 AND kek = $4`;
export const NOW = `SELECT clock_timestamp()::text AS now`;
export const IS_OVER = `SELECT NOT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND xact_start < $1::timestamptz) AS "isOver"`;
export const RETIRED = `SELECT replace(id::text, '-', '') AS id FROM keys.data_keys
  WHERE retired_at IS NOT NULL ORDER BY id`;
/** Nobody seals with these any more, and no transaction is open that may have done so. */
export const SETTLED = `SELECT replace(id::text, '-', '') AS id FROM keys.data_keys
  WHERE retired_at < clock_timestamp() - ${GRACE_SECONDS} * interval '1 second' AND NOT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND xact_start < retired_at + ${GRACE_SECONDS / 2} * interval '1 second')`;
export const DELETE = `DELETE FROM keys.data_keys WHERE id = ANY($1)`;
