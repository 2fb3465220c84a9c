import { randomInt } from 'node:crypto';
import { SigningKeys } from '../src/auth/signing-keys.js';
import { AccessTokens } from '../src/auth/access-tokens.js';
import { PasswordHasher } from '../src/auth/password-hasher.js';
import type { Config } from '../src/config/config.js';
import { withClient } from '../src/database/provision.js';

export const OWNERS = 1_000;
export const RESOURCES = 100_000;
export const PASSWORD = 'plum orchid granite ferry';

/** A user who is signed in, on an address of his own, with some of his resources. */
export interface Owner {
  id: string;
  email: string;
  ip: string;
  token: string;
  resourceIds: string[];
}

/** One hash for all: what is measured is the check of a password, not the making of a thousand. */
export const createHash = () => new PasswordHasher().hash(PASSWORD);

export async function fill(ownerUrl: string, passwordHash: string): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    await client.query(
      `INSERT INTO users (email, display_name, password_hash)
       SELECT 'owner-' || n || '@example.com', 'Owner ' || n, $1 FROM generate_series(1, $2) n`,
      [passwordHash, OWNERS],
    );
    await client.query(
      `INSERT INTO sessions (user_id, expires_at) SELECT id, now() + interval '30 days' FROM users`,
    );
    // Owner by owner in turn, so that the rows of one owner are spread over the whole table.
    await client.query(
      `WITH owner AS (SELECT id, row_number() OVER () AS place FROM users)
       INSERT INTO resources (owner_id, title, content, labels, created_at)
       SELECT owner.id, 'Report ' || n, repeat('Revenue went up. ', 12), '{finance,report}',
              now() - n * interval '1 minute'
       FROM generate_series(1, $1) n JOIN owner ON owner.place = n % $2 + 1`,
      [RESOURCES, OWNERS],
    );
    await client.query('ANALYZE');
  });
}

export async function readOwners(ownerUrl: string, config: Config): Promise<Owner[]> {
  const tokens = new AccessTokens(config, new SigningKeys(config));
  const { rows } = await withClient(ownerUrl, (client) =>
    client.query<{ id: string; email: string; session_id: string; ids: string[] }>(
      `SELECT u.id, u.email, s.id AS session_id, array_agg(r.id) AS ids
       FROM users u JOIN sessions s ON s.user_id = u.id JOIN resources r ON r.owner_id = u.id
       GROUP BY u.id, s.id`,
    ),
  );
  const endsAt = new Date(Date.now() + 86_400_000);
  return Promise.all(
    rows.map(async ({ id, email, session_id: sessionId, ids }, n) => {
      const proof = {
        authenticatedAt: Math.floor(Date.now() / 1_000),
        twoFactor: false,
        byPasskey: false,
      };
      const actor = { userId: id, sessionId, role: 'user', ...proof } as const;
      const { token } = await tokens.issue(actor, endsAt);
      return { id, email, ip: `10.1.${n >> 8}.${n & 255}`, token, resourceIds: ids };
    }),
  );
}

export const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)] as T;
