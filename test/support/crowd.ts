import { HASHED, queryable, SEALED, sealedRows } from './sealed-rows.js';
import type { TestDatabase } from './test-database.js';

/** As after a while in production: 100,000 resources of 1,000 owners, and rows in every other table. */
export async function fillDatabase(database: TestDatabase): Promise<void> {
  const { query } = database;
  const emails = Array.from({ length: 10_000 }, (_, n) => `crowd-${n + 1}@example.com`);
  const people = { emails, displayName: 'Crowd', passwordHash: HASHED };
  await sealedRows().createUsers(queryable(database), people);
  await query(`
    WITH owner AS (
      SELECT id, row_number() OVER (ORDER BY created_at DESC) - 1 AS place FROM users LIMIT 1000)
    INSERT INTO resources (owner_id, title, content, labels, created_at, updated_at)
    SELECT owner.id, 'Report ' || n, ${SEALED}, '{finance,report}',
           now() - n * interval '1 minute', now() - n * interval '1 minute'
    FROM generate_series(1, 100000) n JOIN owner ON owner.place = n % 1000`);
  await query(`
    INSERT INTO resource_shares (resource_id, user_id, permission, created_at)
    SELECT resources.id, users.id, 'read', now() - random() * interval '1 day'
    FROM (SELECT id, row_number() OVER () AS n FROM resources LIMIT 20000) resources
    JOIN (SELECT id, row_number() OVER (ORDER BY created_at DESC) AS n FROM users) users
      ON users.n = resources.n % 3000
    ON CONFLICT DO NOTHING`);
  await query(`
    INSERT INTO sessions (user_id, created_at, expires_at, network)
    SELECT id, now() - random() * interval '29 days', now() + random() * interval '30 days',
           '10.1.2.0/24'
    FROM users`);
  await query(`
    INSERT INTO refresh_tokens (token_hash, session_id)
    SELECT sha256(convert_to(id::text, 'UTF8')), id FROM sessions`);
  await query(`
    INSERT INTO session_revocations (session_id, revoked_at)
    SELECT gen_random_uuid(), now() - n * interval '1 second' FROM generate_series(1, 10000) n`);
  await query(`
    INSERT INTO throttles (key, whole_at)
    SELECT sha256(convert_to(n::text, 'UTF8')), now() + n * interval '1 minute'
    FROM generate_series(1, 10000) n`);
  await query(`
    INSERT INTO login_failures (key, forget_at)
    SELECT sha256(convert_to(n::text, 'UTF8')), now() + n * interval '1 minute'
    FROM generate_series(1, 10000) n`);
  await query(`
    INSERT INTO idempotency_keys (user_id, key, request_hash, created_at)
    SELECT id, 'key', sha256('-'), created_at FROM users`);
  await query(`
    INSERT INTO mail_links (token_hash, user_id, purpose, expires_at)
    SELECT sha256(convert_to(id::text, 'UTF8')), id, 'reset_password', created_at FROM users`);
  await query(`
    INSERT INTO sign_ups (email, email_index, display_name, password_hash, token_hash, expires_at)
    SELECT ${SEALED}, email_index, ${SEALED}, '${HASHED}', sha256(convert_to(id::text, 'UTF8')), created_at FROM users`);
  await query(`
    INSERT INTO invitations (email, email_index, token_hash, expires_at)
    SELECT ${SEALED}, email_index, sha256(convert_to(id::text, 'UTF8')), created_at FROM users`);
  await query(`
    INSERT INTO factors (user_id, kind, name, confirmed_at)
    SELECT id, 'totp', ${SEALED}, created_at FROM users WHERE password_hash = '${HASHED}'`);
  await query(
    `INSERT INTO totp_secrets (factor_id, secret_sealed) SELECT id, ${SEALED} FROM factors`,
  );
  await query(`
    INSERT INTO recovery_codes (code_hash, user_id)
    SELECT sha256(convert_to(id::text, 'UTF8')), id FROM users`);
  await query(`
    INSERT INTO second_factor_challenges
      (token_hash, user_id, password_digest, attempts_left, expires_at)
    SELECT sha256(convert_to(id::text, 'UTF8')), id, sha256('-'), 5, created_at FROM users`);
  await query(`
    INSERT INTO factors (user_id, kind, name, confirmed_at)
    SELECT id, 'passkey', ${SEALED}, created_at FROM users WHERE password_hash = '${HASHED}'`);
  await query(`
    INSERT INTO passkeys (factor_id, credential_id, public_key, sign_count)
    SELECT id, sha256(convert_to(id::text, 'UTF8')), '\\x00', 0 FROM factors WHERE kind = 'passkey'`);
  await query(`
    INSERT INTO passkey_challenges (challenge_hash, purpose, session_id, expires_at)
    SELECT sha256(convert_to(id::text, 'UTF8')), 'register', id, created_at FROM sessions`);
  await query(`
    INSERT INTO exports (user_id, ready_at, expires_at)
    SELECT id, created_at, now() + random() * interval '1 day' FROM users
    WHERE password_hash = '${HASHED}'`);
  await query(`
    INSERT INTO export_parts (export_id, number, section, items)
    SELECT id, 1, 'resources', ${SEALED} FROM exports`);
  await query(`
    INSERT INTO audit_events (id, recorded_at, event, outcome, actor_id, user_id, ip, facts, mac)
    SELECT gen_random_uuid(), now() - n * interval '1 second', 'user_updated', 'success', id, id,
      '10.1.2.3', '{}', sha256(convert_to(id::text, 'UTF8'))
    FROM users, generate_series(1, 3) n`);
  await query(`
    INSERT INTO audit_chain (seq, event_id, recorded_at, sealed_at, event_mac, mac)
    SELECT 1000 + row_number() OVER (), id, recorded_at, recorded_at, mac, mac FROM audit_events
    WHERE event = 'user_updated'`);
  await query('ANALYZE');
}
