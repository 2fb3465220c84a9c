import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Config } from '../../src/config/config.js';
import type { NewDataKey } from '../../src/crypto/data-keys.js';
import type { Sealed } from '../../src/crypto/protection.decorators.js';
import { openCrypto } from '../../src/crypto/open-crypto.js';
import type { Queryable } from '../../src/database/queryable.js';
import { SealedJobs, type SealedJob } from '../../src/database/sealed-jobs.js';
import { Resource } from '../../src/resources/resource.entity.js';
import { User } from '../../src/users/user.entity.js';
import type { TestDatabase } from './test-database.js';
import { testEnvironment } from './test-app.js';

export interface Newcomers {
  emails: string[];
  displayName?: string;
  passwordHash: string;
  /** Where the app makes its index in another way. */
  indexOf?: (email: string) => Buffer;
}

let usual: Config | undefined;
/** Made once: to read its keys takes longer than to make somebody's rows. */
const usualConfig = () =>
  (usual ??= new Config(testEnvironment('postgres://nobody@127.0.0.1/none')));

/** Rows as the app writes them, for whoever makes them by SQL: quickly, and many at once. */
export function sealedRows(config = usualConfig()) {
  const { keys, fields, indexes, damage } = openCrypto(config);
  const jobs = new SealedJobs(keys, damage);
  return {
    fields,
    keys,
    indexOf: (email: string) => indexes.email(email),
    openJob: <Data>(db: Queryable, id: string, data: SealedJob) => jobs.open<Data>(db, id, data),
    createUsers: async (db: Queryable, newcomers: Newcomers) => {
      const { emails, displayName = '', passwordHash } = newcomers;
      const indexOf = newcomers.indexOf ?? ((email: string) => indexes.email(email));
      const people = await Promise.all(
        emails.map(async (email) => {
          const id = randomUUID();
          const key = await keys.create(id);
          return {
            key,
            index: indexOf(email),
            ...fields.sealWith(key, User, { id, email, displayName }),
          };
        }),
      );
      const column = <T>(of: (person: (typeof people)[number]) => T) => people.map(of);
      await db.query(
        `INSERT INTO users (id, email, email_index, display_name, password_hash, created_at)
         SELECT id, email, index, name, $5, now() - n * interval '1 minute'
         FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[])
           WITH ORDINALITY v (id, email, index, name, n)`,
        [
          column(({ id }) => id),
          column(({ email }) => email),
          column(({ index }) => index),
          column(({ displayName: name }) => name),
          passwordHash,
        ],
      );
      await db.query(
        `INSERT INTO keys.data_keys (id, owner_id, wrapped, kek)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[])`,
        [
          column(({ key }) => key.id),
          column(({ id }) => id),
          column(({ key }) => key.wrapped),
          column(({ key }) => key.kek),
        ],
      );
      return people.map(({ id, key }) => ({ id, key }));
    },
  };
}

export interface Owned {
  id: string;
  key: NewDataKey;
}

/** What has the form of a sealed value, for rows that nobody opens. */
export const SEALED = String.raw`'\x01' || decode(repeat('00', 60), 'hex')`;

/** What has the form of a password's hash, and is that of none. */
export const HASHED = '$argon2id$';

/** A test's connection, as the services want it. */
export const queryable = ({ query }: Pick<TestDatabase, 'query'>): Queryable => ({
  query: async <Rows>(text: string, values?: unknown[]) => (await query(text, values)) as Rows,
});

/** The same for one connection of its own. */
export const onClient = (client: pg.Client): Queryable => ({
  query: async <Rows>(text: string, values?: unknown[]) =>
    (await client.query(text, values)).rows as Rows,
});

/** By which the rows of an address are found. */
export const emailIndexOf = (email: string) => sealedRows().indexOf(email);

/** So many resources with one content, sealed for each of them. */
export async function addResources(
  database: Pick<TestDatabase, 'query'>,
  ownerId: string,
  count: number,
  content: string,
  config?: Config,
): Promise<void> {
  const { fields, keys } = sealedRows(config);
  const key = await keys.currentOf(queryable(database), ownerId);
  const rows = Array.from({ length: count }, () =>
    fields.sealWith(key, Resource, { id: randomUUID(), ownerId, content }),
  );
  await database.query(
    `INSERT INTO resources (id, owner_id, title, content)
     SELECT id, $2, n::text, content
     FROM unnest($1::uuid[], $3::bytea[]) WITH ORDINALITY v (id, content, n)`,
    [rows.map(({ id }) => id), ownerId, rows.map((row) => row.content)],
  );
}

interface UserRow {
  id: string;
  email: Sealed<string>;
  displayName: Sealed<string>;
  delete_at: Date;
}

/** All that the table has of an account, with its address and name opened. */
export async function userRow(database: Pick<TestDatabase, 'query'>, id: string) {
  const [row] = await database.query<UserRow>(
    'SELECT *, display_name AS "displayName" FROM users WHERE id = $1',
    [id],
  );
  return row && sealedRows().fields.openOne(queryable(database), User, row);
}
