import { createHash } from 'node:crypto';
import { untilRecovered } from '../../test/support/waiting.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

export const EXPORTS = '/v1/users/me/exports';
const SECRET = 'what nobody but Ada knows';

/** Asks for a copy of all there is, and waits until it is written. */
export async function ask(target: Target, client: TracingClient, currentPassword: string) {
  const { body } = await client.post<{ id?: string }>(EXPORTS, { currentPassword });
  await untilRecovered(target.lab.database);
  return body.id ?? '';
}

export const download = async (client: TracingClient, id: string): Promise<string> =>
  id ? (await client.get(`${EXPORTS}/${id}`)).text : '';

async function withSecret(target: Target): Promise<Person> {
  const ada = await target.person('ada');
  await target.resource(ada, SECRET);
  return ada;
}

export const exportAttacks: Attack[] = [
  {
    id: 'export-foreign',
    title: 'Download Ada’s copy, whose id you have seen, as somebody else',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await withSecret(target), await target.person('eve')];
      const id = await ask(target, ada.client, ada.password);
      return (await download(eve.client, id)).includes(SECRET) ? 'all that is Ada’s' : null;
    },
  },
  {
    id: 'export-by-token',
    title: 'Have all there is put into a file, with a stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const thief = target.stranger('eve').withToken(ada.accessToken);
      const id = await ask(target, thief, 'I do not know');
      return (await download(thief, id)).includes(SECRET) ? 'all that is Ada’s' : null;
    },
  },
  {
    id: 'export-late',
    title: 'Download a copy that was forgotten',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const id = await ask(target, ada.client, ada.password);
      await target.lab.database.query('UPDATE exports SET expires_at = now() WHERE id = $1', [id]);
      return (await download(ada.client, id)).includes(SECRET) ? 'a copy from long ago' : null;
    },
  },
  {
    id: 'export-hashes',
    title: 'Look for hashes of tokens in your own copy',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const text = await download(ada.client, await ask(target, ada.client, ada.password));
      const hash = createHash('sha256').update(ada.refreshToken).digest('hex');
      return text.includes(hash) ? 'the hash of a token' : null;
    },
  },
  {
    id: 'export-flood',
    title: 'Ask for a copy again and again, until the disk is full of them',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      for (let copies = 0; copies < 3; copies += 1) await ask(target, ada.client, ada.password);
      const { query } = target.lab.database;
      const rows = await query('SELECT FROM exports WHERE user_id = $1', [ada.id]);
      return rows.length > 1 ? 'a copy for each time that one asks' : null;
    },
  },
];
