import { verifySync } from '@node-rs/argon2';
import { createHash, randomBytes } from 'node:crypto';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { FORM } from './parts.js';

/** How long Eve lets her list run. As shipped that is enough for some ten passwords. */
const PATIENCE_MS = 250;
const LIST = 400;

async function storedHash({ lab }: Target, { id }: Person): Promise<string> {
  const rows = await lab.database.query<{ password_hash: string }>(
    'SELECT password_hash FROM users WHERE id = $1',
    [id],
  );
  return rows[0]?.password_hash ?? '';
}

/** Whether the guess fits, in any of the forms in which people store passwords. */
function fits(stored: string, guess: string): boolean {
  if (stored.startsWith(`${FORM}v=`)) return verifySync(stored, guess);
  const [salt, hashed] = stored.slice(FORM.length).split(':');
  return createHash('sha256').update(`${salt}${guess}`).digest('hex') === hashed;
}

export const stolenRows: Attack[] = [
  {
    id: 'password-dictionary',
    title: 'Run a list of passwords against a stolen row',
    needsLab: true,
    swept: 'never',
    run: async (target) => {
      const ada = await target.person('ada', 'password');
      const password = `plum orchid ${randomBytes(4).toString('hex')}`;
      const change = { currentPassword: ada.password, newPassword: password };
      await ada.client.put('/v1/users/me/password', change);
      const stored = await storedHash(target, ada);
      const list = Array.from({ length: LIST }, () => randomBytes(8).toString('hex'));
      const end = performance.now() + PATIENCE_MS;
      for (const guess of [...list, password]) {
        if (performance.now() > end) return null;
        if (fits(stored, guess)) return 'Ada’s password';
      }
      return null;
    },
  },
  {
    id: 'password-twins',
    title: 'Look for stolen rows with the same hash as your own',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [
        await target.person('ada', 'password'),
        await target.person('eve', 'password'),
      ];
      const change = { currentPassword: eve.password, newPassword: ada.password };
      await eve.client.put('/v1/users/me/password', change);
      const same = (await storedHash(target, ada)) === (await storedHash(target, eve));
      return same ? 'Ada’s password: it is Eve’s own' : null;
    },
  },
];
