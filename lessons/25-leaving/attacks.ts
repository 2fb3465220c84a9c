import { setTimeout as sleep } from 'node:timers/promises';
import { administrator } from '../02-broken-function-level-authorization/administrators.js';
import type { Attack } from '../engine/lesson.js';
import { addressOf, CONFIRM, changeToken, newPassword, post } from '../16-mailed-links/parts.js';
import {
  cancelTwiceAtOnce,
  isIn,
  keep,
  leave,
  passDays,
  signedIn,
  signIn,
  stays,
} from './parts.js';

/** Longer than the sweeps of the scenario are apart. */
const SWEEPS_MS = 600;
const QUICK_SWEEPS = {
  edits: [
    {
      file: 'src/database/housekeeping.ts',
      find: 'const EVERY_MS = 10 * 60_000;',
      replace: 'const EVERY_MS = 100;',
    },
  ],
};

export const attacks: Attack[] = [
  {
    id: 'leave-sign-in',
    title: 'Sign in to an account whose owner has left, with the password',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await leave(target, ada);
      const { accessToken } = await signIn(target, 'eve', ada);
      return accessToken ? 'a session on an account that was given up' : null;
    },
  },
  {
    id: 'leave-told',
    title: 'Ask at the sign-in who is about to leave, without a password',
    run: async (target) => {
      const ada = await target.person('ada');
      await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
      const { code } = await signIn(target, 'eve', { ...ada, password: newPassword() });
      return code === 'account_leaving' ? 'that Ada has an account, and is about to leave' : null;
    },
  },
  {
    id: 'leave-swept-early',
    title: 'Delete Ada’s account with her stolen password, so that she comes too late',
    needsLab: true,
    scenario: QUICK_SWEEPS,
    run: async (target) => {
      const ada = await target.person('ada');
      const token = await leave(target, ada);
      await sleep(SWEEPS_MS);
      await keep(target, ada, token);
      return (await stays(target, ada)) ? null : 'Ada’s account, gone for good';
    },
  },
  {
    id: 'leave-old-link',
    title: 'Find the link of a deletion that Ada called off, and call off the next one, too',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const old = await leave(target, ada);
      const kept = await keep(target, ada, old);
      await leave(target, await signedIn(target, kept));
      const eve = await keep(target, { ...kept, name: 'eve' }, old);
      const isKept = (await isIn(target, eve)) || (await isIn(target, kept));
      return isKept ? 'Ada’s account, kept against her will' : null;
    },
  },
  {
    id: 'leave-open-change',
    title: 'Have a link for another address sent before Ada leaves, and use it when she is back',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const email = addressOf('eve');
      const change = await changeToken(target, ada, email);
      const kept = await keep(target, ada, await leave(target, ada));
      await post(target, 'eve', CONFIRM, { token: change });
      return (await isIn(target, { ...kept, email })) ? 'Ada’s account, in Eve’s mailbox' : null;
    },
  },
  {
    id: 'leave-raced',
    title: 'Call the deletion off twice at the same time',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const uses = await cancelTwiceAtOnce(target, ada, await leave(target, ada));
      const done = uses.filter(({ status }) => status === 204);
      return done.length > 1 ? 'two uses of one link' : null;
    },
  },
  {
    id: 'leave-escape',
    title: 'Leave before an administrator disables you, and come back afterwards',
    needsLab: true,
    run: async (target) => {
      const [root, mallory] = [await administrator(target, 'root'), await target.person('mallory')];
      const token = await leave(target, mallory);
      await root.client.post(`/v1/users/${mallory.id}/disable`);
      const kept = await keep(target, mallory, token);
      const isBack = (await isIn(target, kept)) || (await isIn(target, mallory));
      return isBack ? 'the use of a disabled account' : null;
    },
  },
  {
    id: 'leave-again',
    title: 'Delete Ada’s account with her stolen password as often as she calls it back',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await keep(target, ada, await leave(target, ada));
      const { accessToken } = await signIn(target, 'eve', ada);
      return accessToken ? 'a session, to delete it again' : null;
    },
  },
  ...[0, 3].map((days): Attack => ({
    id: days ? 'leave-moved-late' : 'leave-moved',
    title: days
      ? 'The same, and Ada looks into the old mailbox on the third day'
      : 'Move the account to your mailbox, then delete it: the link that keeps it comes to you',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const email = addressOf('eve');
      await post(target, 'eve', CONFIRM, { token: await changeToken(target, ada, email) });
      const back = (await target.mailed(ada.email)) ?? '';
      await leave(target, await signedIn(target, { ...ada, email }));
      await passDays(target, ada, days);
      await post(target, 'ada', '/v1/auth/undo-email-change', {
        token: back,
        newPassword: newPassword(),
      });
      return (await stays(target, ada)) ? null : 'Ada’s account, gone for good';
    },
  })),
];
