import { createHash, randomBytes } from 'node:crypto';
import { DataKeys } from '../../src/crypto/data-keys.js';
import { queryable, sealedRows } from '../../test/support/sealed-rows.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

const SECRET = 'the vault opens at 07:15 with the code 4711';
const HEAD_BYTES = 45;
/** Of PostgreSQL. */
const CHECK_VIOLATION = '23514';

const contentOf = async ({ lab }: Target, id: string): Promise<Buffer> => {
  const [row] = await lab.database.query<{ content: Buffer }>(
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
      return (await contentOf(target, id)).includes(SECRET)
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
      const [first, second] = [await contentOf(target, one.id), await contentOf(target, two.id)];
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
      const stream = xor(bodyOf(await contentOf(target, known.id)), Buffer.from(shown));
      const text = xor(bodyOf(await contentOf(target, id)), stream).toString();
      return text === SECRET ? 'Ada’s secret, without a key' : null;
    },
  },
  {
    id: 'crypt-find-address',
    title: 'Look for the hash of an address that you know',
    needsLab: true,
    run: async (target) => {
      const email = `ada-${randomBytes(4).toString('hex')}@example.com`;
      const password = `plum orchid ${randomBytes(4).toString('hex')}`;
      await target.stranger('ada').post('/v1/auth/register', { email, password });
      const rows = await target.lab.database.query('SELECT FROM sign_ups WHERE email_index = $1', [
        createHash('sha256').update(email).digest(),
      ]);
      return rows.length > 0 ? 'that Ada has signed up, and so of every address on a list' : null;
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
      const sealed = await contentOf(target, id);
      await database.query('DELETE FROM users WHERE id = $1', [ada.id]);
      const key = await findKey(sealedRows().keys, database, sealed.toString('hex', 1, 17));
      return key ? 'the key of an account that is gone, and with it what it wrote' : null;
    },
  },
];

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
      await write(target, shared.id, await contentOf(target, secret.id));
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
    id: 'crypt-flip',
    title: 'Turn a bit of what Ada wrote',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { id } = await target.resource(ada, 'pay 100 to Bob');
      const sealed = await contentOf(target, id);
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
      return (await contentOf(target, id)).includes(SECRET)
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
