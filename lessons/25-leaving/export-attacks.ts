import { createHash } from 'node:crypto';
import { untilRecovered } from '../../test/support/waiting.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

const EXPORTS = '/v1/users/me/exports';
const DOWNLOAD = '/v1/auth/download-export';
const SECRET = 'what nobody but Ada knows';
const AT_ONCE = 6;

/** Asks for a copy of all there is, waits until it is written, and reads the mail. */
export async function ask(
  target: Target,
  { client, email, password }: Pick<Person, 'client' | 'email' | 'password'>,
): Promise<string> {
  await client.post(EXPORTS, { currentPassword: password });
  await untilRecovered(target.lab.database);
  return (await target.mailed(email)) ?? '';
}

export const download = async (client: TracingClient, token: string): Promise<string> =>
  token ? (await client.post(DOWNLOAD, { token })).text : '';

async function withSecret(target: Target): Promise<Person> {
  const ada = await target.person('ada');
  await target.resource(ada, SECRET);
  return ada;
}

/** Whoever has her access token. */
const thief = (target: Target, { accessToken }: Person) =>
  target.stranger('eve').withToken(accessToken);

export const exportAttacks: Attack[] = [
  {
    id: 'export-foreign',
    title: 'Download Ada’s copy with the link of her mail, which you have seen, as somebody else',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await withSecret(target), await target.person('eve')];
      const token = await ask(target, ada);
      return (await download(eve.client, token)).includes(SECRET) ? 'all that is Ada’s' : null;
    },
  },
  {
    id: 'export-by-token',
    title:
      'Have all there is put into a file, with a stolen access token and a look into the mails',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const client = thief(target, ada);
      const token = await ask(target, { ...ada, client, password: 'I do not know' });
      return (await download(client, token)).includes(SECRET) ? 'all that is Ada’s' : null;
    },
  },
  {
    id: 'export-twice',
    title: 'Use the link that Ada used, from an old mail, with her stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const token = await ask(target, ada);
      await download(ada.client, token);
      const text = await download(thief(target, ada), token);
      return text.includes(SECRET) ? 'a second copy' : null;
    },
  },
  {
    id: 'export-raced',
    title: 'Use it at the same time as Ada',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const token = await ask(target, ada);
      const uses = Array.from({ length: AT_ONCE }, () => download(thief(target, ada), token));
      const copies = (await Promise.all(uses)).filter((text) => text.includes(SECRET));
      return copies.length > 1 ? 'more than one copy, with one link' : null;
    },
  },
  {
    id: 'export-late',
    title: 'Download a copy that was forgotten',
    needsLab: true,
    run: async (target) => {
      const ada = await withSecret(target);
      const token = await ask(target, ada);
      const { query } = target.lab.database;
      await query('UPDATE exports SET expires_at = now() WHERE user_id = $1', [ada.id]);
      await query('UPDATE mail_links SET expires_at = now() WHERE user_id = $1', [ada.id]);
      const text = await download(thief(target, ada), token);
      return text.includes(SECRET) ? 'a copy from long ago' : null;
    },
  },
  {
    id: 'export-hashes',
    title: 'Look for hashes of tokens in your own copy',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada', 'password');
      const text = await download(ada.client, await ask(target, ada));
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
      for (let copies = 0; copies < 3; copies += 1) await ask(target, ada);
      const { query } = target.lab.database;
      const rows = await query('SELECT FROM exports WHERE user_id = $1', [ada.id]);
      return rows.length > 1 ? 'a copy for each time that one asks' : null;
    },
  },
];
