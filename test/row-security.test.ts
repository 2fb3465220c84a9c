import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { Roles } from '../src/access/access.decorators.js';
import { SealedFields } from '../src/crypto/sealed-fields.js';
import { acrossOwners, actingAs } from '../src/database/acting.js';
import { inTransaction, onPool } from '../src/database/job-statements.js';
import { RateLimit } from '../src/http/rate-limit.js';
import { ReturnsNothing } from '../src/http/returns.decorator.js';
import { Resource } from '../src/resources/resource.entity.js';
import { SEALED } from './support/sealed-rows.js';
import { expectProblem } from './support/answers.js';
import { createCast, type Cast } from './support/cast.js';
import { createResource, share, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { appWith } from './support/test-module.js';

/** Every table that has somebody's rows, and the rows of it that are Ada's, Bob's and Eve's. */
const OWNED = [
  ['users', 'id = $1'],
  ['resources', 'owner_id = $1'],
  ['resource_shares', 'user_id = $1'],
  ['idempotency_keys', 'user_id = $1'],
  ['sessions', 'user_id = $1'],
  ['refresh_tokens', 'session_id IN (SELECT id FROM sessions WHERE user_id = $1)'],
  ['passkey_challenges', 'session_id IN (SELECT id FROM sessions WHERE user_id = $1)'],
  ['mail_links', 'user_id = $1'],
  ['factors', 'user_id = $1'],
  ['totp_secrets', 'factor_id IN (SELECT id FROM factors WHERE user_id = $1)'],
  ['passkeys', 'factor_id IN (SELECT id FROM factors WHERE user_id = $1)'],
  ['recovery_codes', 'user_id = $1'],
  ['second_factor_challenges', 'user_id = $1'],
  ['exports', 'user_id = $1'],
  ['export_parts', 'export_id IN (SELECT id FROM exports WHERE user_id = $1)'],
] as const;
const NOBODYS = ['sign_ups', 'invitations'];

let app: TestApp;
let dataSource: DataSource;
let createPerson: Cast;
let ada: Person;
let eve: Person;

beforeAll(async () => {
  app = await startApp();
  dataSource = app.app.get(DataSource);
  createPerson = await createCast(app);
  [ada, eve] = [await createPerson('user'), await createPerson('user')];
  for (const person of [ada, eve]) await fill(person);
});
afterAll(() => app.close());

/** A row in each table, as somebody has after a while. */
async function fill({ id }: Person): Promise<void> {
  const { query } = app.database;
  const token = `sha256(convert_to(gen_random_uuid()::text, 'UTF8'))`;
  await query(`INSERT INTO resources (owner_id, title, content) VALUES ($1, 'Plan', ${SEALED})`, [
    id,
  ]);
  await query(
    `INSERT INTO resource_shares (resource_id, user_id, permission)
     SELECT id, $1, 'read' FROM resources WHERE owner_id <> $1 LIMIT 1`,
    [id],
  );
  await query(
    `INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES ($1, 'k', ${token})`,
    [id],
  );
  await query(
    `INSERT INTO passkey_challenges (challenge_hash, purpose, session_id, expires_at)
     SELECT ${token}, 'register', id, now() FROM sessions WHERE user_id = $1`,
    [id],
  );
  await query(
    `INSERT INTO mail_links (token_hash, user_id, purpose, expires_at)
     VALUES (${token}, $1, 'reset_password', now())`,
    [id],
  );
  await query(
    `WITH factor AS (
       INSERT INTO factors (user_id, kind, name) VALUES ($1, 'totp', ${SEALED}), ($1, 'passkey', ${SEALED})
       RETURNING id, kind
     ), totp AS (
       INSERT INTO totp_secrets (factor_id, secret_sealed) SELECT id, ${SEALED} FROM factor WHERE kind = 'totp'
     )
     INSERT INTO passkeys (factor_id, credential_id, public_key, sign_count)
     SELECT id, ${token}, '', 0 FROM factor WHERE kind = 'passkey'`,
    [id],
  );
  await query(`INSERT INTO recovery_codes (code_hash, user_id) VALUES (${token}, $1)`, [id]);
  await query(
    `INSERT INTO second_factor_challenges
       (token_hash, user_id, password_digest, attempts_left, expires_at)
     VALUES (${token}, $1, ${token}, 1, now())`,
    [id],
  );
  await query(
    `WITH export AS (INSERT INTO exports (user_id, expires_at) VALUES ($1, now()) RETURNING id)
     INSERT INTO export_parts (export_id, number, section, items) SELECT id, 1, '', ${SEALED} FROM export`,
    [id],
  );
}

const count = async (
  query: (text: string, values: unknown[]) => Promise<unknown>,
  text: string,
) => {
  const [row] = (await query(text, [])) as { n: number }[];
  return row?.n;
};
const asApp = (text: string, values: unknown[] = []): Promise<unknown> =>
  dataSource.query(text, values);
const as = <T>(person: Person, work: () => T) => actingAs(() => person.id, work);

describe('a statement that forgets whose rows it is about', () => {
  it.each(OWNED)('finds in %s what is the actor’s, and nothing else', async (table, own) => {
    const [{ n: mine } = { n: 0 }] = await app.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${table} WHERE ${own}`,
      [eve.id],
    );
    expect(mine).toBeGreaterThan(0);
    // What is shared with Eve, she sees.
    const shared = table === 'resources' ? 1 : 0;
    const all = `SELECT count(*)::int AS n FROM ${table}`;
    expect(await as(eve, () => count(asApp, all))).toBe(mine + shared);
  });

  it.each([...OWNED.map(([table]) => table), ...NOBODYS])(
    'finds nothing in %s when nobody is known to ask',
    async (table) => {
      expect(await count(asApp, `SELECT count(*)::int AS n FROM ${table}`)).toBe(0);
    },
  );

  it('changes and deletes nothing of anybody else’s', async () => {
    const { id } = await createResource(ada, { content: 'mine' });
    const before = await app.database.query('SELECT * FROM resources ORDER BY id');
    await as(eve, async () => {
      await asApp(`UPDATE resources SET content = 'eve was here' WHERE id = $1`, [id]);
      await asApp('DELETE FROM resources WHERE id = $1', [id]);
      await asApp('DELETE FROM resource_shares WHERE resource_id = $1', [id]);
    });
    await asApp(`UPDATE resources SET content = 'nobody was here'`, []);
    await asApp('DELETE FROM users', []);
    expect(await app.database.query('SELECT * FROM resources ORDER BY id')).toEqual(before);
  });

  it('puts nothing under another name', async () => {
    const insert = `INSERT INTO resources (owner_id, title, content) VALUES ($1, 'x', 'y')`;
    await expect(as(eve, () => asApp(insert, [ada.id]))).rejects.toThrow(/row-level security/);
    await expect(asApp(insert, [ada.id])).rejects.toThrow(/row-level security/);
    const session = `INSERT INTO sessions (user_id, expires_at) VALUES ($1, now())`;
    await expect(as(eve, () => asApp(session, [ada.id]))).rejects.toThrow(/row-level security/);
  });
});

describe('a route that writes under another name', () => {
  @Controller('careless')
  class Careless {
    constructor(private readonly anywhere: DataSource) {}

    @Post()
    @Roles('user')
    @RateLimit('write')
    @ReturnsNothing(204)
    write() {
      return this.anywhere.query(
        `INSERT INTO resources (owner_id, title, content) VALUES ($1, 'planted', '')`,
        [ada.id],
      );
    }
  }

  it('is refused as what it is: not by an error of ours, and with nothing written', async () => {
    const careless = await startApp({ database: app.database, module: appWith(Careless) });
    const answer = await careless.client().withToken(eve.tokens.accessToken).post('/v1/careless');
    await careless.close();
    expectProblem(answer, 403, 'forbidden');
    const planted = await app.database.query(`SELECT FROM resources WHERE title = 'planted'`);
    expect(planted).toEqual([]);
  });
});

describe('sharing', () => {
  it('is in the policies: a reader reads, a writer writes, neither deletes, passes on or takes over', async () => {
    const [reader, writer] = [await createPerson('user'), await createPerson('user')];
    const { id } = await createResource(ada, { content: 'shared' });
    await share(ada, id, reader, 'read');
    await share(ada, id, writer, 'write');
    const tries = (who: Person) =>
      as(who, async () => {
        const [, changed] = (await asApp(`UPDATE resources SET title = 'ours' WHERE id = $1`, [
          id,
        ])) as [unknown, number];
        const [, deleted] = (await asApp('DELETE FROM resources WHERE id = $1', [id])) as [
          unknown,
          number,
        ];
        const read = (await asApp('SELECT FROM resources WHERE id = $1', [id])) as unknown[];
        return { read: read.length, changed, deleted };
      });
    expect(await tries(reader)).toEqual({ read: 1, changed: 0, deleted: 0 });
    expect(await tries(writer)).toEqual({ read: 1, changed: 1, deleted: 0 });
    expect(await tries(eve)).toEqual({ read: 0, changed: 0, deleted: 0 });
    const passOn = `INSERT INTO resource_shares (resource_id, user_id, permission) VALUES ($1, $2, 'read')`;
    await expect(as(writer, () => asApp(passOn, [id, eve.id]))).rejects.toThrow(
      /row-level security/,
    );
    const takeOver = 'UPDATE resources SET owner_id = $2 WHERE id = $1';
    await expect(as(writer, () => asApp(takeOver, [id, writer.id]))).rejects.toThrow(/permission/);
  });

  it('ends with the wish of the owner to leave', async () => {
    const [owner, friend] = [await createPerson('user'), await createPerson('user')];
    const { id } = await createResource(owner);
    await share(owner, id, friend, 'write');
    const read = () => as(friend, () => asApp('SELECT FROM resources WHERE id = $1', [id]));
    expect(await read()).toHaveLength(1);
    await app.database.query(
      'UPDATE users SET disabled_at = now(), delete_at = now() WHERE id = $1',
      [owner.id],
    );
    expect(await read()).toHaveLength(0);
  });
});

/** What stands on the connection of a transaction, past the client that says the actor. */
async function settingOf({ queryRunner }: EntityManager): Promise<string> {
  const client = (await queryRunner?.connect()) as pg.Client;
  const unsaid = pg.Client.prototype.query.bind(client);
  const { rows } = await unsaid<{ actor: string | null }>(
    `SELECT current_setting('bulwark.actor', true) AS actor`,
  );
  return rows[0]?.actor ?? '';
}

describe('a statement that binds nothing', () => {
  const TITLES = 'SELECT owner_id AS "ownerId" FROM resources';
  let cold: TestApp;
  beforeAll(async () => {
    cold = await startApp({ database: app.database });
  });
  afterAll(() => cold.close());

  /** Whose resources somebody finds where the key of what is sealed has to be looked up, across owners. */
  const behindKeyLookUp = (who: Person) =>
    as(who, () =>
      cold.app.get(DataSource).transaction(async (tx) => {
        const values = { id: randomUUID(), ownerId: who.id, content: 'x' };
        await cold.app.get(SealedFields).seal(tx, Resource, values);
        expect(await settingOf(tx)).toBe('system');
        const rows = await tx.query<{ ownerId: string }[]>(TITLES);
        return new Set(rows.map(({ ownerId }) => ownerId));
      }),
    );

  it('finds nothing of another’s behind one that acted across owners', async () => {
    const person = await createPerson('user');
    await createResource(person);
    expect(await behindKeyLookUp(person)).toEqual(new Set([person.id]));
  });

  it('finds each one’s own where many do so at once', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => createPerson('user')));
    await Promise.all(people.map((person) => createResource(person)));
    const found = await Promise.all(people.map(behindKeyLookUp));
    expect(found).toEqual(people.map(({ id }) => new Set([id])));
  });

  it('is one: several at once are refused, whatever they begin with', async () => {
    const several = [
      'BEGIN; SELECT title FROM resources',
      'COMMIT; SELECT title FROM resources',
      'COMMIT;\nSELECT title FROM resources',
      'ROLLBACK TO SAVEPOINT typeorm_1; SELECT title FROM resources',
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT title FROM resources',
      `SET LOCAL bulwark.actor = 'system'; SELECT title FROM resources`,
    ];
    for (const text of several)
      await expect(as(eve, () => dataSource.query(text))).rejects.toThrow(/multiple commands/);
  });

  it('says its actor when it comes with a callback or to the pool, too', async () => {
    const pool = (dataSource.driver as PostgresDriver).master as pg.Pool;
    const { rows } = await acrossOwners(() => pool.query<{ ownerId: string }>(TITLES));
    expect(rows.length).toBeGreaterThan(0);
    const client = await pool.connect();
    const found = await as(
      eve,
      () =>
        new Promise((resolve) => {
          client.query(TITLES, (_error, result) => resolve(result.rows.length));
        }),
    );
    client.release();
    expect(found).toBe(await as(eve, async () => ((await asApp(TITLES)) as unknown[]).length));
  });

  it('is nobody’s when it is the queue’s, which sends several at once', async () => {
    const all = 'SELECT count(*)::int AS n FROM resources';
    const several = `BEGIN; ${all}; SELECT 2 AS n; COMMIT; ${all}`;
    const answers = await acrossOwners(() => onPool(dataSource).executeSql(several));
    const rows = (answers as unknown as pg.QueryResult[]).flatMap((answer) => answer.rows);
    expect(rows).toEqual([{ n: 0 }, { n: 2 }, { n: 0 }]);
    const inside = dataSource.transaction(async (tx) => {
      await acrossOwners(() => tx.query('SELECT 1', []));
      return (await inTransaction(tx)).db.executeSql(all);
    });
    expect((await inside).rows).toEqual([{ n: 0 }]);
  });

  it.each([
    ['a text with values', { text: 'SELECT title FROM resources WHERE $1', values: [true] }],
    ['a name', { name: 'titles', text: 'SELECT title FROM resources' }],
    ['a query of pg’s', new pg.Query('SELECT title FROM resources')],
  ])('cannot go around that as an object: %s', async (_what, query) => {
    const pool = (dataSource.driver as PostgresDriver).master as pg.Pool;
    await acrossOwners(() => expect(pool.query(query as pg.QueryConfig)).rejects.toThrow(/a text/));
  });
});

describe('the actor', () => {
  it('is the one of each request, however many share a connection', async () => {
    const small = await startApp({
      database: app.database,
      env: { DATABASE_POOL_SIZE: '2' },
    });
    const people = await Promise.all(Array.from({ length: 10 }, () => createPerson('user')));
    const made = await Promise.all(people.map((person) => createResource(person)));
    const client = ({ tokens }: Person) => small.client().withToken(tokens.accessToken);
    const reads = await Promise.all(
      people.flatMap((person) =>
        made.map(async ({ id, ownerId }) => {
          const { status } = await client(person).get(`/v1/resources/${id}`);
          return status === (ownerId === person.id ? 200 : 404);
        }),
      ),
    );
    await small.close();
    expect(reads.filter((right) => !right)).toEqual([]);
  });

  it('is forgotten with the transaction', async () => {
    const left = () =>
      dataSource.transaction(async (tx) => {
        const first = await settingOf(tx);
        await as(ada, () => tx.query('SELECT 1', []));
        return { first, inside: await settingOf(tx) };
      });
    const rounds = await Promise.all(Array.from({ length: 30 }, left));
    for (const round of rounds) expect(round).toEqual({ first: '', inside: ada.id });
  });

  it('is asked for anew when a statement fails', async () => {
    await expect(as(ada, () => asApp('SELECT 1/0', []))).rejects.toThrow(/division/);
    await expect(as(ada, () => asApp('SELECT no_such_thing', []))).rejects.toThrow(/no_such/);
    await expect(as(ada, () => asApp('SELECT no_such_thing', []))).rejects.toThrow(/no_such/);
    expect(await as(ada, () => count(asApp, 'SELECT count(*)::int AS n FROM users'))).toBe(1);
    expect(await count(asApp, 'SELECT count(*)::int AS n FROM users')).toBe(0);
  });

  it('is a user’s id or says so: anything else is an error, and no row', async () => {
    const strange = actingAs(
      () => `' OR true --`,
      () => asApp('SELECT FROM users', []),
    );
    await expect(strange).rejects.toThrow(/invalid input syntax/);
    expect(await acrossOwners(() => asApp('SELECT FROM users LIMIT 1', []))).toHaveLength(1);
  });
});

describe('the owner of the tables', () => {
  it('is held by the policies, too', async () => {
    const owner = new pg.Client({ connectionString: app.database.urls.owner });
    await owner.connect();
    const rows = await owner.query('SELECT FROM users');
    await owner.end();
    expect(rows.rowCount).toBe(0);
  });
});

describe('starting without row-level security', () => {
  const boot = async () => (await startApp({ database: app.database })).close();

  it.each([
    'USING (true)',
    'FOR SELECT USING (true)',
    'FOR UPDATE USING (true)',
    'FOR DELETE USING (true)',
    'USING (user_id = actor_id()) WITH CHECK (true)',
  ])(
    'is refused for a policy that lets everybody at a table, with its name: %s',
    async (policy) => {
      await app.database.query(`CREATE POLICY open_door ON sessions ${policy}`);
      await expect(boot()).rejects.toThrow(/open_door ON sessions/);
      await app.database.query('DROP POLICY open_door ON sessions');
      await expect(boot()).resolves.toBeUndefined();
    },
  );

  it('is not meant by a policy that opens nothing, nor by a table that has none', async () => {
    const closed = 'CREATE TABLE notes (user_id uuid)';
    const forced = 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY';
    const limits = 'CREATE POLICY limits ON notes AS RESTRICTIVE USING (true)';
    for (const sql of [closed, forced]) await app.database.query(sql);
    await expect(boot()).resolves.toBeUndefined();
    await app.database.query(limits);
    await expect(boot()).resolves.toBeUndefined();
    await app.database.query('DROP TABLE notes');
  });

  it.each([
    ['a table that nobody protects', 'CREATE TABLE notes (user_id uuid)', 'DROP TABLE notes'],
    [
      'a table that refers to one with owned rows',
      'CREATE TABLE pages (resource uuid REFERENCES resources)',
      'DROP TABLE pages',
    ],
    [
      'a table that lets its owner past',
      'ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY',
      'ALTER TABLE sessions FORCE ROW LEVEL SECURITY',
    ],
    [
      'a table whose policies are off',
      'ALTER TABLE passkeys DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY',
    ],
  ])('is refused for %s, with the cure', async (_what, change, undo) => {
    await app.database.query(change);
    await expect(boot()).rejects.toThrow(/without row-level security.*policies in a migration/);
    await app.database.query(undo);
    await expect(boot()).resolves.toBeUndefined();
  });
});
