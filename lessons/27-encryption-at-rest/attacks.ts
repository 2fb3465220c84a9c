import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { DataKeys } from '../../src/crypto/data-keys.js';
import { keyIdOf, openValue } from '../../src/crypto/sealing.js';
import { addResources, HASHED, queryable, sealedRows } from '../../test/support/sealed-rows.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

const SECRET = 'the vault opens at 07:15 with the code 4711';
const HEAD_BYTES = 45;
const KEY_BYTES = 32;
/** Of PostgreSQL. */
const CHECK_VIOLATION = '23514';

const newEmail = () => `ada-${randomBytes(4).toString('hex')}@example.com`;
const newPassword = () => `plum orchid ${randomBytes(4).toString('hex')}`;

const contentOf = async ({ database }: Target['lab'], id: string): Promise<Buffer> => {
  const [row] = await database.query<{ content: Buffer }>(
    'SELECT content FROM resources WHERE id = $1',
    [id],
  );
  return row?.content ?? Buffer.of();
};
const write = ({ lab }: Target, id: string, content: Buffer) =>
  lab.database.query('UPDATE resources SET content = $2 WHERE id = $1', [id, content]);
const read = async ({ client }: Person, id: string): Promise<string> => {
  // What does not open is an error of the server’s, which is no loot.
  const answer = await fetch(`${client.url}/v1/resources/${id}`, {
    headers: { 'x-forwarded-for': client.ip, authorization: `Bearer ${client.token}` },
  });
  const body = (await answer.json()) as { content?: string };
  return body.content ?? '';
};
const xor = (one: Buffer, other: Buffer) =>
  Buffer.from(one.map((byte, at) => byte ^ (other[at] ?? 0)));
const bodyOf = (sealed: Buffer) => sealed.subarray(HEAD_BYTES);

/** Of somebody who has a copy of the data. */
const readers: Attack[] = [
  {
    id: 'crypt-read-dump',
    title: 'Look for Ada’s secret in a dump of the data',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { id } = await target.resource(ada, SECRET);
      return (await contentOf(target.lab, id)).includes(SECRET)
        ? 'Ada’s secret, as she wrote it'
        : null;
    },
  },
  {
    id: 'crypt-twins',
    title: 'Look for two rows of Ada’s that hold the same',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const [one, two] = [await target.resource(ada, SECRET), await target.resource(ada, SECRET)];
      const [first, second] = [
        await contentOf(target.lab, one.id),
        await contentOf(target.lab, two.id),
      ];
      return bodyOf(first).equals(bodyOf(second)) ? 'that Ada wrote the same twice' : null;
    },
  },
  {
    id: 'crypt-known-stream',
    title: 'Work out Ada’s secret from what she showed you, and both rows of the dump',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const shown = 'nothing to see here, and quite a lot of it, Eve';
      const known = await target.resource(ada, shown);
      const { id } = await target.resource(ada, SECRET);
      const stream = xor(bodyOf(await contentOf(target.lab, known.id)), Buffer.from(shown));
      const text = xor(bodyOf(await contentOf(target.lab, id)), stream).toString();
      return text === SECRET ? 'Ada’s secret, without a key' : null;
    },
  },
  {
    id: 'crypt-find-address',
    title: 'Look for the hash of an address that you know',
    needsLab: true,
    run: async (target) => {
      const email = newEmail();
      const password = newPassword();
      await target.stranger('ada').post('/v1/auth/register', { email, password });
      const rows = await target.lab.database.query('SELECT FROM sign_ups WHERE email_index = $1', [
        createHash('sha256').update(email).digest(),
      ]);
      return rows.length > 0 ? 'that Ada has signed up, and so of every address on a list' : null;
    },
  },
  {
    id: 'crypt-keys-in-dump',
    title: 'Open Ada’s secret with the key that lies beside it in a dump of everything',
    needsLab: true,
    run: async (target) => {
      const [ada, resource] = [await signedUp(target), { title: 'plan', content: SECRET }];
      const { body } = await ada.post<{ id: string }>('/v1/resources', resource);
      const opened = await openWithStored(target, body.id);
      const [who, method, path] = ['eve', 'SQL', 'SELECT wrapped FROM keys.data_keys'];
      const got = [opened || 'bytes that open nothing'];
      target.trace.splice(0, Infinity, { who, method, path, status: 0, got });
      return opened === SECRET ? 'Ada’s secret, opened with what was in the dump' : null;
    },
  },
  {
    id: 'crypt-deleted',
    title: 'Read a deleted account in an old dump, with all keys of today',
    needsLab: true,
    run: async (target) => {
      const { database } = target.lab;
      const ada = await target.person('ada');
      const { id } = await target.resource(ada, SECRET);
      const sealed = await contentOf(target.lab, id);
      await database.query('DELETE FROM users WHERE id = $1', [ada.id]);
      const key = await findKey(sealedRows().keys, database, sealed.toString('hex', 1, 17));
      return key ? 'the key of an account that is gone, and with it what it wrote' : null;
    },
  },
];

/** Somebody whom the app itself has made an account for, with a key for her. */
async function signedUp(target: Target): Promise<TracingClient> {
  const email = newEmail();
  const password = newPassword();
  const ada = target.stranger('ada');
  await ada.post('/v1/auth/register', { email, password });
  await target.confirm({ email, password });
  const { body } = await ada.post<{ accessToken: string }>('/v1/auth/login', { email, password });
  return ada.withToken(body.accessToken);
}

/** Opens Ada's secret with the last bytes of what is stored as her key. */
async function openWithStored({ lab }: Target, id: string): Promise<string> {
  const content = await contentOf(lab, id);
  const keyId = keyIdOf(content) ?? '';
  const [row] = await lab.database.query<{ wrapped: Buffer }>(
    'SELECT wrapped FROM keys.data_keys WHERE id = $1',
    [keyId],
  );
  const key = createSecretKey((row?.wrapped ?? Buffer.of()).subarray(-KEY_BYTES));
  const place = { table: 'resources', column: 'content', row: [id] };
  try {
    return openValue({ id: keyId, owner: null, key }, place, content).toString();
  } catch {
    return '';
  }
}

const findKey = async (keys: DataKeys, database: Target['lab']['database'], id: string) =>
  (await keys.find(queryable(database), [id])).get(id);

/** Of somebody who can write to rows, and knows no key. */
const writers: Attack[] = [
  {
    id: 'crypt-swap-rows',
    title: 'Put Ada’s sealed secret into a row that she shares with you',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await target.person('ada'), await target.person('eve')];
      const [secret, shared] = [await target.resource(ada, SECRET), await target.resource(ada)];
      await ada.client.put(`/v1/resources/${shared.id}/shares/${eve.id}`, { permission: 'read' });
      await write(target, shared.id, await contentOf(target.lab, secret.id));
      return (await read(eve, shared.id)) === SECRET ? 'Ada’s secret, opened by the app' : null;
    },
  },
  {
    id: 'crypt-take-over',
    title: 'Put Ada’s sealed secret, row and all, into your own account',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await target.person('ada'), await target.person('eve')];
      const { id } = await target.resource(ada, SECRET);
      await target.lab.database.query('UPDATE resources SET owner_id = $1 WHERE id = $2', [
        eve.id,
        id,
      ]);
      return (await read(eve, id)) === SECRET ? 'Ada’s secret, opened by the app' : null;
    },
  },
  {
    id: 'crypt-take-key',
    title: 'Put Ada’s sealed secret and her key, row and all, into your own account',
    needsLab: true,
    run: async (target) => {
      const { database } = target.lab;
      // Ada has not been here since the app started: no memory has her key.
      const newcomers = { emails: [newEmail()], passwordHash: HASHED };
      const [ada] = await sealedRows().createUsers(queryable(database), newcomers);
      await addResources(database, ada?.id ?? '', 1, SECRET);
      const eve = await target.person('eve');
      await database.query(
        'UPDATE keys.data_keys SET owner_id = $1, retired_at = now() WHERE owner_id = $2',
        [eve.id, ada?.id],
      );
      const [taken] = await database.query<{ id: string }>(
        'UPDATE resources SET owner_id = $1 WHERE owner_id = $2 RETURNING id',
        [eve.id, ada?.id],
      );
      return (await read(eve, taken?.id ?? '')) === SECRET
        ? 'Ada’s secret, opened by the app'
        : null;
    },
  },
  {
    id: 'crypt-flip',
    title: 'Turn a bit of what Ada wrote',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { id } = await target.resource(ada, 'pay 100 to Bob');
      const sealed = await contentOf(target.lab, id);
      sealed.writeUInt8(
        (sealed[HEAD_BYTES + 4] ?? 0) ^ ('1'.charCodeAt(0) ^ '9'.charCodeAt(0)),
        HEAD_BYTES + 4,
      );
      await write(target, id, sealed);
      return (await read(ada, id)) === 'pay 900 to Bob'
        ? 'an order of Ada’s that she never gave'
        : null;
    },
  },
];

function mustBeCheck(error: Error & { code?: string }): void {
  if (error.code !== CHECK_VIOLATION) throw error;
}

/** Of a colleague who is in a hurry. */
const careless: Attack[] = [
  {
    id: 'crypt-import',
    title: 'Look in a dump for what an import wrote with SQL of its own, past the app',
    needsLab: true,
    run: async (target) => {
      const { id } = await target.resource(await target.person('ada'));
      await write(target, id, Buffer.from(SECRET)).catch(mustBeCheck);
      return (await contentOf(target.lab, id)).includes(SECRET)
        ? 'Ada’s secret, as the import had it'
        : null;
    },
  },
  {
    id: 'crypt-undeclared',
    title: 'Add a column for phone numbers, and say nothing of how it is protected',
    needsLab: true,
    scenario: {
      sql: `ALTER TABLE users ADD phone text NOT NULL DEFAULT '+49 30 1234567'`,
      refusal: /Unprotected columns do not boot/,
    },
    run: async (target) => {
      const ada = await target.person('ada');
      const [row] = await target.lab.database.query<{ phone: string }>(
        'SELECT phone FROM users WHERE id = $1',
        [ada.id],
      );
      return row?.phone.startsWith('+49') ? 'Ada’s phone number, in every dump' : null;
    },
  },
];

export const attacks: Attack[] = [...readers, ...writers, ...careless];
