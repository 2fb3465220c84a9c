import { randomInt, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { SigningKeys } from '../src/auth/signing-keys.js';
import { AccessTokens } from '../src/auth/access-tokens.js';
import { PasswordHasher } from '../src/auth/password-hasher.js';
import type { Config } from '../src/config/config.js';
import type { Sealed } from '../src/crypto/protection.decorators.js';
import { withClient } from '../src/database/provision.js';
import { Resource } from '../src/resources/resource.entity.js';
import { User } from '../src/users/user.entity.js';
import { onClient, sealedRows, type Owned } from '../test/support/sealed-rows.js';

const BATCH = 5_000;
const CONTENT = 'Revenue went up. '.repeat(12);

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

export async function fill(ownerUrl: string, config: Config, passwordHash: string): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    const emails = Array.from({ length: OWNERS }, (_, n) => `owner-${n + 1}@example.com`);
    const people = { emails, displayName: 'Owner', passwordHash };
    const owners = await sealedRows(config).createUsers(onClient(client), people);
    await client.query(
      `INSERT INTO sessions (user_id, expires_at) SELECT id, now() + interval '30 days' FROM users`,
    );
    // Owner by owner in turn, so that the rows of one owner are spread over the whole table.
    for (let from = 0; from < RESOURCES; from += BATCH)
      await addResources(client, config, { owners, from });
    await client.query(BARE_COPY);
    await client.query('ANALYZE');
  });
}

/** The same rows in the clear, for the server that protects nothing. */
const BARE_COPY = `
  CREATE SCHEMA bare;
  CREATE TABLE bare.resources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person uuid NOT NULL,
    title text NOT NULL, content text NOT NULL, labels text[] NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1, created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now());
  INSERT INTO bare.resources
  SELECT id, owner_id, title, '${CONTENT}', labels, version, created_at, updated_at FROM resources;
  CREATE INDEX ON bare.resources (person, created_at, id);
  CREATE INDEX ON bare.resources (person, updated_at, id);
  CREATE INDEX ON bare.resources (person, title COLLATE "C", id);
  CREATE TABLE bare.shares (resource uuid, person uuid, PRIMARY KEY (resource, person));
  GRANT USAGE ON SCHEMA bare TO bulwark_app;
  GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA bare TO bulwark_app`;

interface Batch {
  owners: Owned[];
  from: number;
}

async function addResources(client: pg.Client, config: Config, { owners, from }: Batch) {
  const { fields } = sealedRows(config);
  const rows = Array.from({ length: BATCH }, (_, at) => {
    const { id: ownerId, key } = owners[(from + at) % OWNERS] as Owned;
    return fields.sealWith(key, Resource, { id: randomUUID(), ownerId, content: CONTENT });
  });
  await client.query(
    `INSERT INTO resources (id, owner_id, title, content, labels, created_at)
     SELECT id, owner_id, 'Report ' || n + $4, content, '{finance,report}',
            now() - (n + $4) * interval '1 minute'
     FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) WITH ORDINALITY v (id, owner_id, content, n)`,
    [
      rows.map(({ id }) => id),
      rows.map(({ ownerId }) => ownerId),
      rows.map(({ content }) => content),
      from,
    ],
  );
}

export async function readOwners(ownerUrl: string, config: Config): Promise<Owner[]> {
  const tokens = new AccessTokens(config, new SigningKeys(config));
  const rows = await withClient(ownerUrl, async (client) => {
    const read = await client.query<{
      id: string;
      email: Sealed<string>;
      session_id: string;
      ids: string[];
    }>(
      `SELECT u.id, u.email, s.id AS session_id, array_agg(r.id) AS ids
       FROM users u JOIN sessions s ON s.user_id = u.id JOIN resources r ON r.owner_id = u.id
       GROUP BY u.id, s.id`,
    );
    return sealedRows(config).fields.open(onClient(client), User, read.rows);
  });
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
