/** The least of everything, as text and as bytes: where the first batch begins. */
const BEFORE_ALL = {
  uuid: '00000000-0000-0000-0000-000000000000',
  text: '',
  bytes: Buffer.alloc(0),
};

export interface Row {
  id: string | Buffer;
  owner: string | null;
  [column: string]: string | Buffer | null;
}

/** Of one table as it was before migration 0013, whatever comes later: 500 rows after `$1`, and what they become. */
export interface Sealing {
  table: string;
  first: string | Buffer;
  read: string;
  /** What the columns hold, and which of them an index finds. */
  columns: { from: string; to: string; index?: true; seed?: true }[];
  write: string;
}

export const SEALINGS: Sealing[] = [
  {
    table: 'users',
    first: BEFORE_ALL.uuid,
    read: `SELECT id, id AS owner, plain_email, plain_display_name FROM users
      WHERE id > $1 ORDER BY id LIMIT 500`,
    columns: [
      { from: 'plain_email', to: 'email', index: true },
      { from: 'plain_display_name', to: 'display_name' },
    ],
    write: `UPDATE users SET email = v.a, email_index = v.i, display_name = v.b
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[]) v (id, i, a, b)
      WHERE users.id = v.id`,
  },
  {
    table: 'resources',
    first: BEFORE_ALL.uuid,
    read: `SELECT id, owner_id AS owner, plain_content FROM resources
      WHERE id > $1 ORDER BY id LIMIT 500`,
    columns: [{ from: 'plain_content', to: 'content' }],
    write: `UPDATE resources SET content = v.a
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, i, a) WHERE resources.id = v.id`,
  },
  {
    table: 'sign_ups',
    first: BEFORE_ALL.uuid,
    read: `SELECT id, NULL AS owner, plain_email, plain_display_name FROM sign_ups
      WHERE id > $1 ORDER BY id LIMIT 500`,
    columns: [
      { from: 'plain_email', to: 'email', index: true },
      { from: 'plain_display_name', to: 'display_name' },
    ],
    write: `UPDATE sign_ups SET email = v.a, email_index = v.i, display_name = v.b
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[]) v (id, i, a, b)
      WHERE sign_ups.id = v.id`,
  },
  {
    table: 'mail_links',
    first: BEFORE_ALL.bytes,
    read: `SELECT token_hash AS id, user_id AS owner, plain_to_email FROM mail_links
      WHERE token_hash > $1 AND plain_to_email IS NOT NULL ORDER BY token_hash LIMIT 500`,
    columns: [{ from: 'plain_to_email', to: 'to_email', index: true }],
    write: `UPDATE mail_links SET to_email = v.a, to_index = v.i
      FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) v (id, i, a)
      WHERE mail_links.token_hash = v.id`,
  },
  {
    table: 'factors',
    first: BEFORE_ALL.uuid,
    read: `SELECT id, user_id AS owner, plain_name FROM factors WHERE id > $1 ORDER BY id LIMIT 500`,
    columns: [{ from: 'plain_name', to: 'name' }],
    write: `UPDATE factors SET name = v.a
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, i, a) WHERE factors.id = v.id`,
  },
  {
    table: 'totp_secrets',
    first: BEFORE_ALL.uuid,
    read: `SELECT factor_id AS id, user_id AS owner, plain_secret FROM totp_secrets
      JOIN factors ON factors.id = factor_id WHERE factor_id > $1 ORDER BY factor_id LIMIT 500`,
    columns: [{ from: 'plain_secret', to: 'secret_sealed', seed: true }],
    write: `UPDATE totp_secrets SET secret_sealed = v.a
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, i, a)
      WHERE totp_secrets.factor_id = v.id`,
  },
];

/** Where an account came from needs no address, only its index: the same as in `users`. */
export const FROM_EMAILS = `SELECT DISTINCT plain_from_email AS email FROM mail_links
  WHERE plain_from_email IS NOT NULL`;
export const FROM_INDEX = `UPDATE mail_links SET from_index = $2 WHERE plain_from_email = $1`;
export const INVITATIONS = `SELECT plain_email AS email FROM invitations`;
export const INVITATION = `UPDATE invitations SET email = $2, email_index = $3 WHERE plain_email = $1`;
/** What waits in the queue may have addresses, and links with their tokens. */
export const QUEUE = `SELECT to_regclass('pgboss.job') IS NOT NULL AS "isThere"`;
export const JOBS = `SELECT id, data::text AS data FROM pgboss.job WHERE NOT data ? 'sealed'`;
export const JOB = `UPDATE pgboss.job SET data = jsonb_build_object('sealed', $2::text) WHERE id = $1`;
export const ANY_ROWS = `SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM sign_ups)
  OR EXISTS (SELECT FROM invitations) AS any`;
