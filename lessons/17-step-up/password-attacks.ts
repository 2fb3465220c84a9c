import { withTotp } from '../18-second-factors/people.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';
import { addressOf, newPassword, post } from '../16-mailed-links/parts.js';
import { stolen, thief } from './attacks.js';

interface Thief {
  target: Target;
  ada: Person;
  client: TracingClient;
}

/** He saw her type the password, too. Her phone he does not have. */
const attack = (id: string, title: string, tryIt: (as: Thief) => Promise<Loot>): Attack => ({
  id,
  title,
  needsLab: true,
  run: async (target) => {
    const ada = await stolen(target, await withTotp(target, 'ada'));
    return tryIt({ target, ada, client: thief(target, ada.accessToken) });
  },
});

const exists = async ({ target, ada }: Thief, statement: string) =>
  (await target.lab.database.query(statement, [ada.id])).length > 0;

export const passwordAttacks: Attack[] = [
  attack(
    'stepup-set-password',
    'Set another password, with Ada’s and without her phone',
    async ({ target, ada: { email, password: currentPassword }, client }) => {
      const password = newPassword();
      await client.put('/v1/users/me/password', { currentPassword, newPassword: password });
      const { body } = await post(target, 'thief', '/v1/auth/login', { email, password });
      return body['code'] === 'second_factor_required' ? 'a password that Ada does not know' : null;
    },
  ),
  attack(
    'stepup-move',
    'Move the account into your own mailbox, with Ada’s password and without her phone',
    async ({ target, ada: { password: currentPassword }, client }) => {
      const newEmail = addressOf('thief');
      await client.post('/v1/users/me/email', { newEmail, currentPassword });
      return (await target.mailed(newEmail)) ? 'the link that moves Ada’s account' : null;
    },
  ),
  attack(
    'stepup-leave',
    'Delete the account, with Ada’s password and without her phone',
    async (as) => {
      await as.client.delete('/v1/users/me', { currentPassword: as.ada.password });
      const leaving = 'SELECT FROM users WHERE id = $1 AND delete_at IS NOT NULL';
      return (await exists(as, leaving)) ? 'the end of Ada’s account' : null;
    },
  ),
  attack(
    'stepup-export',
    'Have a copy of all there is made, with Ada’s password and without her phone',
    async (as) => {
      await as.client.post('/v1/users/me/exports', { currentPassword: as.ada.password });
      const copies = 'SELECT FROM exports WHERE user_id = $1';
      return (await exists(as, copies)) ? 'a copy of all that is Ada’s' : null;
    },
  ),
];
