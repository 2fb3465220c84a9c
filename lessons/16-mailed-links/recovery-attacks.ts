import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jobsOf, linkOf } from '../../test/support/jobs.js';
import type { Attack } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import {
  addressOf,
  changeToken,
  FORGOT,
  newPassword,
  post,
  RESET,
  resetToken,
  taken,
} from './parts.js';

const AT_ONCE = 6;
const PATIENCE = 100;
const EVIL = 'localhost.eve.example';

const reset = (target: Target, who: string, token: string, password: string) =>
  post(target, who, RESET, { token, newPassword: password });

/** The link that was mailed; nothing when the mail was not made. */
async function linkTo({ lab }: Target, email: string): Promise<string | undefined> {
  const { query } = lab.database;
  for (let tries = 0; tries < PATIENCE; tries += 1) {
    const [mail] = await jobsOf(lab.database, email);
    if (mail) return linkOf(mail);
    const failed = await query(
      `SELECT FROM pgboss.job WHERE name = 'recovery' AND state = 'retry'`,
    );
    if (failed.length > 0) return undefined;
    await sleep(50);
  }
  return undefined;
}

export const recoveryAttacks: Attack[] = [
  {
    id: 'link-forged-host',
    title: 'Ask for a link of Ada’s under a host of Eve’s, so that Ada brings her the secret',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const headers = { 'x-forwarded-host': EVIL };
      await target.stranger('eve').post(FORGOT, { email: ada.email }, headers);
      const link = await linkTo(target, ada.email);
      return link?.includes(EVIL) ? 'a mail of ours to Ada that leads to Eve' : null;
    },
  },
  {
    id: 'link-twice',
    title: 'Use the link that Ada used, from an old mail of hers',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await resetToken(target, ada);
      await reset(target, 'ada', token, newPassword());
      const password = newPassword();
      await reset(target, 'eve', token, password);
      return taken(target, { email: ada.email, password });
    },
  },
  {
    id: 'link-raced',
    title: 'Use it at the same time as Ada',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await resetToken(target, ada);
      const uses = Array.from({ length: AT_ONCE }, () =>
        reset(target, 'eve', token, newPassword()),
      );
      const done = (await Promise.all(uses)).filter(({ status }) => status === 204);
      return done.length > 1 ? 'more than one password, with one link' : null;
    },
  },
  {
    id: 'link-other-of-two',
    title: 'Ask twice, and use the link that Ada did not use',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const [first, second] = [await resetToken(target, ada), await resetToken(target, ada)];
      await reset(target, 'ada', second, newPassword());
      const password = newPassword();
      await reset(target, 'eve', first, password);
      return taken(target, { email: ada.email, password });
    },
  },
  {
    id: 'link-after-change',
    title: 'Keep an unused link until Ada has changed her password',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await resetToken(target, ada);
      const change = { currentPassword: ada.password, newPassword: newPassword() };
      await ada.client.put('/v1/users/me/password', change);
      const password = newPassword();
      await reset(target, 'eve', token, password);
      return taken(target, { email: ada.email, password });
    },
  },
  {
    id: 'link-expired',
    title: 'Use a link that was forgotten in a mailbox',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await resetToken(target, ada);
      const { query } = target.lab.database;
      await query('UPDATE mail_links SET expires_at = now() WHERE user_id = $1', [ada.id]);
      const password = newPassword();
      await reset(target, 'eve', token, password);
      return taken(target, { email: ada.email, password });
    },
  },
  {
    id: 'link-other-purpose',
    title: 'Get the link for a new address by a slip of Ada’s, and set her password with it',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await changeToken(target, ada, addressOf('eve'));
      const password = newPassword();
      await reset(target, 'eve', token, password);
      return taken(target, { email: ada.email, password });
    },
  },
  {
    id: 'link-enumerate',
    title: 'Ask the recovery who has an account',
    run: async (target) => {
      const ada = await target.person('ada');
      const nobody = `nobody-${randomInt(1e9)}@example.com`;
      const [known, unknown] = [
        await post(target, 'eve', FORGOT, { email: ada.email }),
        await post(target, 'eve', FORGOT, { email: nobody }),
      ];
      return known.status === unknown.status ? null : 'whether Ada has an account';
    },
  },
];
