import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCipheriv, randomBytes, randomUUID } from 'node:crypto';
import { PasswordHasher } from '../src/auth/password-hasher.js';
import { createTotpSecret } from '../src/auth/totp.js';
import { deriveKey, readAppSecret } from '../src/config/secrets.js';
import { migrate, undoLastMigration } from '../src/database/provision.js';
import { Secret } from 'otpauth';
import { expectProblem } from './support/answers.js';
import { login, newPassword } from './support/factories.js';
import { challengeFor, prove, totpCode } from './support/second-factors.js';
import { jobsOf } from './support/jobs.js';
import { startApp, testEnvironment } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';

const EMAIL = 'ada-of-old@example.com';
const MOVED = 'ada-moves@example.com';
const INVITED = 'bob-of-old@example.com';
const CONTENT = 'Old secret: 4711';
const IDS = {
  user: randomUUID(),
  resource: randomUUID(),
  factor: randomUUID(),
  waiting: randomUUID(),
};
const password = newPassword();
const seed = Buffer.from(createTotpSecret());

let database: TestDatabase;
let idle: TestDatabase;
beforeAll(async () => {
  [database, idle] = [await createOldDatabase(), await createOldDatabase()];
});
afterAll(() => Promise.all([database.drop(), idle.drop()]));

/** As it was before fields were encrypted. */
async function createOldDatabase(): Promise<TestDatabase> {
  const old = await createTestDatabase();
  while (!(await isOld(old))) await undoLastMigration(old.urls.owner);
  return old;
}

const isOld = async ({ query }: TestDatabase) =>
  (await query(`SELECT FROM migrations WHERE name LIKE 'encryption%'`)).length === 0;

/** As version 1 of the cipher sealed it, with one key for all. */
function sealedOfOld(env: Record<string, string | undefined>): Buffer {
  const key = deriveKey(readAppSecret(env['APP_SECRET'] ?? '', false), 'fields');
  const nonce = randomBytes(12);
  const place = [1, 'totp_secrets', 'secret_sealed', IDS.factor, IDS.user];
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  const body = cipher.setAAD(Buffer.from(JSON.stringify(place))).update(seed);
  cipher.final();
  return Buffer.concat([Buffer.of(1), nonce, cipher.getAuthTag(), body]);
}

async function fillOld(): Promise<void> {
  const { query } = database;
  const hash = await new PasswordHasher().hash(password);
  await query(
    `INSERT INTO users (id, email, display_name, password_hash) VALUES ($1, $2, 'Ada of old', $3)`,
    [IDS.user, EMAIL, hash],
  );
  await query(`INSERT INTO resources (id, owner_id, title, content) VALUES ($1, $2, 'Plan', $3)`, [
    IDS.resource,
    IDS.user,
    CONTENT,
  ]);
  await query(
    `INSERT INTO resources (owner_id, title, content)
     SELECT $1, n::text, 'x' FROM generate_series(1, 1100) n`,
    [IDS.user],
  );
  await query(
    `INSERT INTO sign_ups (id, email, display_name, password_hash, expires_at)
     VALUES ($1, $2, 'Waiting', $3, now() + interval '1 hour')`,
    [IDS.waiting, INVITED, hash],
  );
  await query(
    `INSERT INTO invitations (email, token_hash, expires_at)
     VALUES ($1, sha256('i'), now() + interval '1 hour')`,
    [INVITED],
  );
  await query(
    `INSERT INTO mail_links (token_hash, user_id, purpose, from_email, to_email, expires_at)
     VALUES (sha256('m'), $1, 'change_email', $2, $3, now() + interval '1 hour')`,
    [IDS.user, EMAIL, MOVED],
  );
  await query(
    `INSERT INTO factors (id, user_id, kind, name, confirmed_at)
     VALUES ($1, $2, 'totp', 'Phone of old', now())`,
    [IDS.factor, IDS.user],
  );
  await query(`INSERT INTO totp_secrets (factor_id, secret_sealed) VALUES ($1, $2)`, [
    IDS.factor,
    sealedOfOld(testEnvironment(database.urls.app)),
  ]);
}

async function addOldJob({ query }: TestDatabase): Promise<void> {
  await query(
    `INSERT INTO pgboss.job (name, data) VALUES ('mail', jsonb_build_object('to', $1::text))`,
    [EMAIL],
  );
}

describe('a database whose rows are not encrypted', () => {
  it('is not migrated without the keys, and stays as it is', async () => {
    await fillOld();
    await addOldJob(database);
    await expect(migrate(database.urls.owner)).rejects.toThrow('ENCRYPTION_KEYS');
    expect(await isOld(database)).toBe(true);
    expect(await database.query('SELECT email FROM users')).toEqual([{ email: EMAIL }]);
  });

  it('is encrypted by the migration, and everything opens afterwards', async () => {
    await migrate(database.urls.owner, testEnvironment(database.urls.app));
    const tables = ['users', 'resources', 'sign_ups', 'invitations', 'mail_links', 'factors'];
    tables.push('pgboss.job');
    expect(await jobsOf(database, EMAIL)).toHaveLength(1);
    for (const table of tables) {
      const rows = await database.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t`);
      const text = rows.map(({ row }) => row).join('\n');
      for (const secret of [EMAIL, MOVED, INVITED, CONTENT, 'of old'])
        for (const form of [secret, Buffer.from(secret).toString('hex')])
          expect(text).not.toContain(form);
    }
    const app = await startApp({ database });
    try {
      expectProblem(
        await app.client().post('/v1/auth/login', { email: INVITED, password }),
        403,
        'address_not_verified',
      );
      const challenge = await challengeFor(app, { email: EMAIL, password } as never);
      const shown = new Secret({ buffer: Uint8Array.from(seed).buffer }).base32;
      const { body } = await prove(app.client(), challenge, totpCode(shown));
      const ada = app.client().withToken(body.accessToken);
      expect((await ada.get('/v1/users/me')).body).toMatchObject({
        email: EMAIL,
        displayName: 'Ada of old',
      });
      const resource = await ada.get(`/v1/resources/${IDS.resource}`);
      expect(resource.body).toMatchObject({ title: 'Plan', content: CONTENT });
      const factors = await ada.get<{ items: { name: string }[] }>('/v1/users/me/factors');
      expect(factors.body.items).toMatchObject([{ name: 'Phone of old' }]);
      const moved = await app.client().post('/v1/auth/confirm-email-change', { token: 'm' });
      expect(moved.status).toBe(204);
      await expect(login(app.client(), EMAIL, password)).rejects.toThrow('401');
      expect(await challengeFor(app, { email: MOVED, password } as never)).not.toBe('');
    } finally {
      await app.close();
    }
  });

  it('does not go back while it has rows', async () => {
    const undoAll = async () => {
      while (await undoLastMigration(database.urls.owner));
    };
    await expect(undoAll()).rejects.toThrow('the audit log has events');
    await database.query('TRUNCATE audit_events');
    await expect(undoAll()).rejects.toThrow('the rows are encrypted');
  });
});

describe('a database that holds jobs, and no rows yet', () => {
  it('is not migrated without the keys; with them its jobs are sealed, and open', async () => {
    await addOldJob(idle);
    await expect(migrate(idle.urls.owner)).rejects.toThrow('ENCRYPTION_KEYS');
    await migrate(idle.urls.owner, testEnvironment(idle.urls.app));
    const [job] = await idle.query<{ data: object }>('SELECT data FROM pgboss.job');
    expect(job).toEqual({ data: { sealed: expect.any(String) } });
    expect(await jobsOf(idle, EMAIL)).toHaveLength(1);
  });
});
