import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { randomUUID } from 'node:crypto';
import { DamageReports, UNREADABLE } from '../src/crypto/damage.js';
import { DataKeys } from '../src/crypto/data-keys.js';
import { SealedFields } from '../src/crypto/sealed-fields.js';
import { createEncryptionJwk } from '../src/config/secrets.js';
import { placesOfTables } from '../src/crypto/sealed-places.js';
import { keyIdOf, openValue, type Place } from '../src/crypto/sealing.js';
import { Housekeeping } from '../src/database/housekeeping.js';
import { JOB_PLACES } from '../src/database/sealed-job-places.js';
import { withClient } from '../src/database/provision.js';
import { Resource } from '../src/resources/resource.entity.js';
import { Child } from './support/child.js';
import { dump, restore } from './support/dump.js';
import {
  createAdministrator,
  createResource,
  login,
  newEmail,
  newPassword,
  register,
  signUp,
  type Person,
  type ResourceBody,
} from './support/factories.js';
import { expectProblem } from './support/answers.js';
import { mailedToken } from './support/mailed-links.js';
import { addTotp } from './support/second-factors.js';
import { HASHED, queryable, SEALED, sealedRows } from './support/sealed-rows.js';
import { recordStatements } from './support/statements.js';
import { startApp, testEnvironment, type TestApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { until, untilMailed } from './support/waiting.js';

let app: TestApp;
let admin: Person;
let damage: { table: string; column: string; row: string }[] = [];

beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
  app.app.get(DamageReports).listen((place) => damage.push(place));
});
afterAll(() => app.close());

const signedIn = async ({ email, password }: { email: string; password: string }) => {
  const tokens = await login(app.client(), email, password);
  const client = app.client().withToken(tokens.accessToken);
  const { body } = await client.get<{ id: string }>('/v1/users/me');
  return { id: body.id, email, password, tokens, client };
};
const contentOf = async (id: string): Promise<Buffer> => {
  const rows = await app.database.query<{ content: Buffer }>(
    'SELECT content FROM resources WHERE id = $1',
    [id],
  );
  return rows[0]?.content ?? Buffer.of();
};
const write = (id: string, content: Buffer) =>
  app.database.query('UPDATE resources SET content = $2 WHERE id = $1', [id, content]);

const flip = (at: number) => (sealed: Buffer) => {
  const changed = Buffer.from(sealed);
  changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
  return changed;
};

/** The answer says nothing; the log says where. */
async function expectDamaged(person: Person, id: string): Promise<void> {
  damage = [];
  const answer = await person.client.get(`/v1/resources/${id}`);
  expectProblem(answer, 500, 'internal_error');
  expect(answer.text).not.toMatch(/seal|key|cipher|content|auth|resources\./i);
  expect(damage).toEqual([{ table: 'resources', column: 'content', row: id }]);
}

describe('a sealed content that somebody changed', () => {
  it.each([
    ['a bit of its key id turned', flip(3)],
    ['a bit of its nonce turned', flip(20)],
    ['a bit of its tag turned', flip(35)],
    ['a bit of its body turned', flip(45)],
    ['its last byte gone', (sealed: Buffer) => sealed.subarray(0, -1)],
    ['its body gone', (sealed: Buffer) => sealed.subarray(0, 45)],
    ['a byte more', (sealed: Buffer) => Buffer.concat([sealed, Buffer.of(0)])],
  ])('is an error that says nothing, with %s, and leaves others alone', async (_what, change) => {
    const ada = await signUp(app);
    const [{ id }, other] = [await createResource(ada), await createResource(ada)];
    const sealed = await contentOf(id);
    await write(id, change(sealed));
    await expectDamaged(ada, id);
    expect((await ada.client.get<ResourceBody>(`/v1/resources/${other.id}`)).body).toEqual(other);
    expect((await ada.client.get('/v1/resources')).status).toBe(200);
    await write(id, sealed);
    expect((await ada.client.get(`/v1/resources/${id}`)).status).toBe(200);
  });

  it('does not open in another row, in another owner’s, or when the row has another owner', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const [one, two] = [await createResource(ada), await createResource(ada)];
    const eves = await createResource(eve);
    await write(one.id, await contentOf(two.id));
    await expectDamaged(ada, one.id);
    await write(one.id, await contentOf(eves.id));
    await expectDamaged(ada, one.id);
    await app.database.query('UPDATE resources SET owner_id = $1 WHERE id = $2', [eve.id, two.id]);
    await expectDamaged(eve, two.id);
  });

  it('does not open in another column of the same row', async () => {
    const ada = await signUp(app);
    await app.database.query('UPDATE users SET display_name = email WHERE id = $1', [ada.id]);
    damage = [];
    expectProblem(await ada.client.get('/v1/users/me'), 500, 'internal_error');
    expect(damage).toEqual([{ table: 'users', column: 'display_name', row: ada.id }]);
  });

  it.each([
    "''",
    String.raw`'\x00'`,
    'repeat($1::text, 3)::bytea',
    'decode(repeat($1::text, 3), $2)',
  ])('is refused by the database where it was never sealed: %s', async (value) => {
    const { id } = await createResource(await signUp(app));
    const text = `UPDATE resources SET content = ${value} WHERE id = '${id}'`;
    const values = ['00'.repeat(50), 'hex'].slice(0, (value.match(/\$/g) ?? []).length);
    await expect(app.database.query(text, values)).rejects.toMatchObject({ code: '23514' });
  });

  it('does not open under a data key that was given to another owner', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const { id } = await createResource(ada);
    await app.database.query('DELETE FROM keys.data_keys WHERE owner_id = $1', [eve.id]);
    await app.database.query('UPDATE keys.data_keys SET owner_id = $1 WHERE owner_id = $2', [
      eve.id,
      ada.id,
    ]);
    await app.database.query('UPDATE resources SET owner_id = $1 WHERE id = $2', [eve.id, id]);
    const other = await startApp({ database: app.database });
    const { accessToken } = eve.tokens;
    const answer = await other.client().withToken(accessToken).get(`/v1/resources/${id}`);
    await other.close();
    expectProblem(answer, 500, 'internal_error');
  });
});

describe('GET /v1/users', () => {
  it('shows the others where one address does not open, and that this one does not', async () => {
    const [ada, bob] = [await signUp(app), await signUp(app)];
    await app.database.query(`UPDATE users SET email = ${SEALED} WHERE id = $1`, [ada.id]);
    damage = [];
    const { status, body } = await admin.client.get<{ items: { id: string; email: string }[] }>(
      '/v1/users?limit=100',
    );
    const emailOf = ({ id }: Person) => body.items.find((item) => item.id === id)?.email;
    expect([status, emailOf(ada), emailOf(bob)]).toEqual([
      200,
      'unreadable@damaged.invalid',
      bob.email,
    ]);
    expect(damage).toContainEqual({ table: 'users', column: 'email', row: ada.id });
    expectProblem(await admin.client.get(`/v1/users/${ada.id}`), 500, 'internal_error');
  });
});

describe('a list and a copy', () => {
  it('go on where one name of a factor does not open', async () => {
    const ada = await signUp(app);
    const [one, two] = [await addTotp(app, ada, 'Phone'), await addTotp(app, ada, 'Tablet')];
    await app.database.query(`UPDATE factors SET name = ${SEALED} WHERE id = $1`, [one.id]);
    damage = [];
    const { status, body } = await ada.client.get<{ items: { id: string; name: string }[] }>(
      '/v1/users/me/factors',
    );
    expect([status, body.items.map(({ id, name }) => [id, name])]).toEqual([
      200,
      [
        [one.id, UNREADABLE],
        [two.id, 'Tablet'],
      ],
    ]);
    expect(damage).toEqual([{ table: 'factors', column: 'name', row: one.id }]);
  });

  it('go on where one content does not open: all else of it is in the export', async () => {
    const ada = await signUp(app);
    const [one, two] = [await createResource(ada), await createResource(ada)];
    await write(one.id, await contentOf(two.id));
    await ada.client.post('/v1/users/me/exports', { currentPassword: ada.password });
    const ready = 'SELECT FROM exports WHERE user_id = $1 AND ready_at IS NOT NULL';
    await until(async () => (await app.database.query(ready, [ada.id])).length > 0, 'an export');
    const token = await mailedToken(app.database, ada.email);
    const { status, body } = await ada.client.post<{ resources: ResourceBody[] }>(
      '/v1/auth/download-export',
      { token },
    );
    expect([status, body.resources.map(({ id, content }) => [id, content])]).toEqual([
      200,
      [
        [one.id, UNREADABLE],
        [two.id, two.content],
      ],
    ]);
  });

  it('go on where the address of the person does not open: who is disabled is told so', async () => {
    const ada = await signUp(app);
    await app.database.query(`UPDATE users SET email = ${SEALED} WHERE id = $1`, [ada.id]);
    const { status, body } = await admin.client.post(`/v1/users/${ada.id}/disable`);
    const told = {
      id: ada.id,
      disabledAt: expect.any(String),
      email: 'unreadable@damaged.invalid',
    };
    expect([status, body]).toEqual([200, expect.objectContaining(told)]);
  });

  it('go on where the address of the person does not open: sessions can be seen, and ended', async () => {
    const ada = await signUp(app);
    await app.database.query(`UPDATE users SET email = ${SEALED} WHERE id = $1`, [ada.id]);
    const list = await admin.client.get<{ items: object[] }>(`/v1/users/${ada.id}/sessions`);
    expect([list.status, list.body.items.length]).toEqual([200, 1]);
    expectProblem(await admin.client.get(`/v1/users/${randomUUID()}/sessions`), 404, 'not_found');
  });
});

describe('a statement that forgot the owner', () => {
  it('is a fault of ours, and no damage', async () => {
    const { id } = await createResource(await signUp(app));
    damage = [];
    const open = app.app
      .get(SealedFields)
      .openOne(app.app.get(DataSource), Resource, { id, content: await contentOf(id) });
    await expect(open).rejects.toThrow('a row of resources needs "ownerId" to be opened');
    expect(damage).toEqual([]);
  });
});

describe('the data keys', () => {
  it('are one for an owner, whoever makes how many at once', async () => {
    const ada = await signUp(app);
    await app.database.query('DELETE FROM keys.data_keys WHERE owner_id = $1', [ada.id]);
    const dataSource = app.app.get(DataSource);
    const keys = app.app.get(DataKeys);
    const made = await Promise.all(
      Array.from({ length: 50 }, () => keys.currentOf(dataSource, ada.id)),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    const rows = await app.database.query('SELECT FROM keys.data_keys WHERE owner_id = $1', [
      ada.id,
    ]);
    expect(rows).toHaveLength(1);
  });

  it('are wrapped: the same key under another key-encryption key opens nothing', async () => {
    const ada = await signUp(app);
    const { id } = await createResource(ada);
    const foreign = JSON.stringify({ keys: [createEncryptionJwk()] });
    const other = await startApp({ database: app.database, env: { ENCRYPTION_KEYS: foreign } });
    const client = other.client().withToken(ada.tokens.accessToken);
    expectProblem(await client.get(`/v1/resources/${id}`), 500, 'internal_error');
    await other.close();
  });

  it('cost no statement, once they are in memory', async () => {
    const ada = await signUp(app);
    const { id } = await createResource(ada);
    const read = () => ada.client.get(`/v1/resources/${id}`);
    await read();
    const recorder = recordStatements();
    const { status } = await read();
    recorder.stop();
    // The queue and the sealer work beside.
    const texts = [...recorder.statements.keys()].filter((text) => !/pgboss|audit_/.test(text));
    expect([status, texts.filter((text) => !text.includes('bulwark.actor'))]).toEqual([
      200,
      [expect.stringContaining('resources.content FROM resources')],
    ]);
  });

  it('of a page are asked for at once', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => signUp(app)));
    const other = await startApp({ database: app.database });
    const statements: string[] = [];
    const dataSource = other.app.get(DataSource);
    const query = dataSource.query.bind(dataSource);
    dataSource.query = (text: string, ...rest: never[]) => {
      if (text.includes('keys.data_keys')) statements.push(text);
      return query(text, ...rest);
    };
    const client = other.client().withToken(admin.tokens.accessToken);
    const list = () => client.get<{ items: Person[] }>('/v1/users?limit=100');
    const { body } = await list();
    await list();
    await other.close();
    expect(body.items.length).toBeGreaterThan(people.length);
    // One more for what another test damaged, whose key is nowhere.
    expect(statements.length).toBeLessThanOrEqual(2);
  });
});

describe('an account that is deleted', () => {
  const isKeys = (table: string) => table.startsWith('keys.');
  const newcomer = () => ({
    email: newEmail(),
    password: newPassword(),
    displayName: `Shredded ${randomUUID()}`,
  });

  /** Other tests have damaged some. */
  const openedOr = (...sealed: Parameters<typeof openValue>) => {
    try {
      return openValue(...sealed).toString();
    } catch {
      return '';
    }
  };

  /** Everything that a copy of the data holds and these keys open, as one text. */
  async function openedBy({ query }: TestDatabase): Promise<string> {
    const db = queryable({ query });
    const { keys } = sealedRows();
    const ids = await query<{ id: string }>(
      `SELECT replace(id::text, '-', '') AS id FROM keys.data_keys`,
    );
    const found = await keys.find(
      db,
      ids.map(({ id }) => id),
    );
    const opened: string[] = [];
    for (const places of [...placesOfTables(), JOB_PLACES])
      for (let after: unknown[] | undefined; ;) {
        const rows = await places.read(db, [...found.keys()], after);
        after = rows.at(-1)?.key;
        if (!after) break;
        for (const row of rows)
          for (const [at, value] of row.values.entries()) {
            const key = value && found.get(keyIdOf(value) ?? '');
            if (key) opened.push(openedOr(key, row.places[at] as Place, value));
          }
      }
    return opened.join('\n');
  }

  it('is nowhere to be read: not in an old dump of the data, restored beside today’s keys', async () => {
    const [hers, his] = [newcomer(), newcomer()];
    await admin.client.post('/v1/users/invitations', { email: hers.email });
    await app.database.query('DELETE FROM pgboss.job');
    for (const one of [hers, his]) await register(app, one);
    const [ada, bob] = [await signedIn(hers), await signedIn(his)];
    // Again, where there is an account already.
    await app.client().post('/v1/auth/register', hers);
    const secret = `Shredded ${randomUUID()}`;
    const { id } = await createResource(ada, { content: secret });
    const kept = await createResource(bob);
    await addTotp(app, ada, 'Shredded phone');
    await untilMailed(app.database);
    // What has not reached its mailbox waits for some hours: see docs/decisions/0015.
    await app.database.query('DELETE FROM pgboss.job');
    const before = await dump(app.database, (table) => !isKeys(table));
    await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
    await app.database.query(
      `UPDATE users SET delete_at = now() - interval '1 second' WHERE id = $1`,
      [ada.id],
    );
    await app.app.get(Housekeeping).run();
    await app.app.get(Housekeeping).run();
    const keysToday = await dump(app.database, isKeys);
    expect(JSON.stringify(keysToday)).not.toContain(ada.id);

    const database = await createTestDatabase();
    await restore(database, [...before, ...keysToday]);
    const text = await openedBy(database);
    // Whose account is there opens, so that what is not found is not there.
    for (const value of [his.email, his.displayName, kept.content]) expect(text).toContain(value);
    for (const value of [hers.email, hers.displayName, secret, 'Shredded phone'])
      expect(text).not.toContain(value);
    const restored = await startApp({ database });
    try {
      const bobs = await login(restored.client(), bob.email, bob.password);
      const path = `/v1/resources/${kept.id}`;
      const answer = await restored.client().withToken(bobs.accessToken).get<ResourceBody>(path);
      expect(answer.body).toEqual(kept);
      const rows = await database.query('SELECT FROM resources WHERE id = $1', [id]);
      expect(rows).toHaveLength(1);
      // Her access token is still good for some minutes; nothing of hers is.
      const client = restored.client().withToken(ada.tokens.accessToken);
      for (const hidden of [`/v1/resources/${id}`, '/v1/users/me'])
        expectProblem(await client.get(hidden), 500, 'internal_error');
      const factors = await client.get<{ items: object[] }>('/v1/users/me/factors');
      expect(factors.body.items).toMatchObject([{ name: UNREADABLE }]);
    } finally {
      await restored.close();
      await database.drop();
    }
  });

  it('leaves nothing that waited for its address', async () => {
    const ada = await signUp(app);
    const index = sealedRows().indexOf(ada.email);
    await app.database.query(
      `INSERT INTO invitations (email, email_index, token_hash, expires_at)
       VALUES (${SEALED}, $1, sha256($1), now() + interval '1 day')`,
      [index],
    );
    await app.database.query(
      `INSERT INTO sign_ups (email, email_index, display_name, password_hash, token_hash, expires_at)
       VALUES (${SEALED}, $1, ${SEALED}, '${HASHED}', sha256($1), now() + interval '1 day')`,
      [index],
    );
    await app.database.query(
      `UPDATE users SET disabled_at = now(), delete_at = now() - interval '1 second' WHERE id = $1`,
      [ada.id],
    );
    await app.app.get(Housekeeping).run();
    const rowsOf = (table: string) =>
      app.database.query(`SELECT * FROM ${table} WHERE email_index = $1`, [index]);
    expect([await rowsOf('users'), await rowsOf('invitations')]).toEqual([[], []]);
    // Who signed up with it is told what he was told before.
    expect(await rowsOf('sign_ups')).toMatchObject([
      { email: null, display_name: null, token_hash: null },
    ]);
  });
});

describe('a column that nobody declared', () => {
  const boots = async (sql: string) => {
    const database = await createTestDatabase();
    try {
      await withClient(database.urls.owner, (owner) => owner.query(sql));
      const other = await startApp({ database });
      await other.close();
      return 'it boots';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await database.drop();
    }
  };

  it.each([
    ['text', 'ALTER TABLE users ADD phone text', 'users.phone (text) is not declared: add @Encr'],
    ['JSON', 'ALTER TABLE users ADD more jsonb', 'users.more (jsonb) is not declared'],
    ['texts', 'ALTER TABLE resources ADD tags text[]', 'resources.tags (text[]) is not declared'],
    ['a table', 'CREATE TABLE notes (note varchar(9))', 'notes.note (character varying(9)) is not'],
    [
      'an encrypted one without its check',
      'ALTER TABLE resources DROP CONSTRAINT resources_content_sealed',
      'resources.content (bytea) is declared @Encrypted() and takes anything: add CHECK (is_sealed',
    ],
    [
      'an encrypted one of another type',
      `ALTER TABLE factors DROP name; ALTER TABLE factors ADD name text`,
      'factors.name (text) is declared @Encrypted() and is no bytea',
    ],
    [
      'an index that takes more than a hash',
      'ALTER TABLE users DROP CONSTRAINT users_email_index_check',
      'users.email_index (bytea) takes more than a hash',
    ],
    [
      'a hash of a password that takes a password',
      'ALTER TABLE users DROP CONSTRAINT users_password_hash_hashed',
      "users.password_hash (text) takes more than a hash: make it bytea with CHECK (octet_length(password_hash) = 32), or of passwords, text with CHECK (password_hash LIKE '$argon2id$%')",
    ],
    [
      'a hash of a password whose check lets in more',
      `ALTER TABLE users DROP CONSTRAINT users_password_hash_hashed,
       ADD CHECK (password_hash LIKE '$argon2id$%' OR true)`,
      'users.password_hash (text) takes more than a hash',
    ],
    [
      'an encrypted one that a rotation could not change',
      'REVOKE UPDATE ON resources FROM bulwark_app; GRANT UPDATE (title) ON resources TO bulwark_app',
      'resources.content (bytea) cannot be sealed anew: GRANT UPDATE (content)',
    ],
    ['one that is gone', 'ALTER TABLE factors DROP name', 'factors.name is declared and holds no'],
  ])('keeps the app from booting: %s', async (_what, sql, fault) => {
    expect(await boots(sql)).toContain(fault);
  });

  it('keeps the app from booting: an encrypted one that nobody’s key seals', async () => {
    const forgotten = {
      file: 'src/resources/resource.entity.ts',
      find: "@SealedFor('ownerId')\n",
      replace: '',
    };
    const child = new Child(['--import', './lessons/engine/removal-hook.js', 'src/main.ts'], {
      env: {
        ...testEnvironment(app.database.urls.app),
        LESSON_EDITS: JSON.stringify([forgotten]),
      },
    });
    const itBoots = setTimeout(() => child.kill('SIGKILL'), 20_000);
    expect(await child.exit).toBe(1);
    clearTimeout(itBoots);
    expect(child.output).toContain('add @SealedFor() to its entity');
  }, 40_000);
});

describe('a blind index', () => {
  it('is no hash that anybody could make, and the same for the same address only', async () => {
    const ada = await signUp(app);
    const [row] = await app.database.query<{ plain: boolean; same: boolean }>(
      `SELECT email_index = sha256($2) AS plain, email_index = $3 AS same FROM users WHERE id = $1`,
      [ada.id, Buffer.from(ada.email), sealedRows().indexOf(ada.email)],
    );
    expect(row).toEqual({ plain: false, same: true });
  });
});
