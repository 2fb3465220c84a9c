import { enrol } from '../18-second-factors/people.js';
import { lootOf, signIn, withPasskey } from '../09-passkeys/people.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import {
  addressOf,
  CHANGE,
  changeToken,
  CONFIRM,
  moveAway,
  newPassword,
  opens,
  post,
  RESET,
  resetToken,
  taken,
  UNDO,
} from './parts.js';

/** With the password that she has just chosen, or at least with the one that she had. */
const isBack = async (target: Target, { email, password }: Person, chosen: string) =>
  (await opens(target, 'ada', { email, password: chosen })) ||
  (await opens(target, 'ada', { email, password }));

const keepsOut = async (target: Target, { email }: Person, password: string): Promise<Loot> => {
  const { body } = await post(target, 'ada', '/v1/auth/login', { email, password });
  const isAsked = body['code'] === 'second_factor_required';
  return isAsked ? 'Ada’s account, behind a factor of Eve’s' : null;
};

export const changeAttacks: Attack[] = [
  {
    id: 'link-move-by-token',
    title: 'Move Ada’s account into your own mailbox, with a stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const eve = { email: addressOf('eve'), password: ada.password };
      const thief = target.stranger('eve').withToken(ada.accessToken);
      await thief.post(CHANGE, { newEmail: eve.email, currentPassword: 'I do not know' });
      const token = await target.mailed(eve.email);
      if (token) await post(target, 'eve', CONFIRM, { token });
      return (await opens(target, 'eve', eve)) ? 'Ada’s account, in Eve’s mailbox' : null;
    },
  },
  {
    id: 'link-move-after-change',
    title: 'Ask for the move, and go through with it when Ada has changed her password',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const email = addressOf('eve');
      const token = await changeToken(target, ada, email);
      const change = { currentPassword: ada.password, newPassword: newPassword() };
      await ada.client.put('/v1/users/me/password', change);
      await post(target, 'eve', CONFIRM, { token });
      const eves = { email, password: newPassword() };
      const reset = { token: await resetToken(target, eves), newPassword: eves.password };
      await post(target, 'eve', RESET, reset);
      return (await opens(target, 'eve', eves)) ? 'Ada’s account, in Eve’s mailbox' : null;
    },
  },
  {
    id: 'link-move-session',
    title: 'Stay in with a stolen session when Ada moves her account out of reach',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { body } = await post(target, 'ada', '/v1/auth/login', {
        email: ada.email,
        password: ada.password,
      });
      const thief = target.stranger('eve').withToken(String(body['accessToken']));
      const token = await changeToken(target, ada, addressOf('ada'));
      await post(target, 'ada', CONFIRM, { token });
      const { status } = await thief.get('/v1/users/me');
      return status === 200 ? 'a session in Ada’s account' : null;
    },
  },
  {
    id: 'link-move-enumerate',
    title: 'Ask for Ada’s address, to learn whether she has an account',
    needsLab: true,
    run: async (target) => {
      const [ada, eve] = [await target.person('ada'), await target.person('eve')];
      const ask = async (newEmail: string) =>
        (await eve.client.post(CHANGE, { newEmail, currentPassword: eve.password })).status;
      const same = (await ask(ada.email)) === (await ask(addressOf('nobody')));
      return same ? null : 'whether Ada has an account';
    },
  },
  {
    id: 'link-undo-password',
    title: 'Know the password, move the account, and sign in again after Ada took it back',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { back } = await moveAway(target, ada);
      await post(target, 'ada', UNDO, { token: back, newPassword: newPassword() });
      return taken(target, ada);
    },
  },
  {
    id: 'link-undo-moved-on',
    title: 'Move the account twice, so that the way back of the first move leads nowhere',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { back, moved } = await moveAway(target, ada);
      await moveAway(target, moved);
      const password = newPassword();
      await post(target, 'ada', UNDO, { token: back, newPassword: password });
      return (await isBack(target, ada, password)) ? null : 'Ada’s account, for good';
    },
  },
  {
    id: 'link-undo-own',
    title: 'Move it twice, and use your own way back before Ada uses hers',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const first = await moveAway(target, ada);
      const second = await moveAway(target, first.moved);
      await post(target, 'eve', UNDO, { token: second.back, newPassword: newPassword() });
      const password = newPassword();
      await post(target, 'ada', UNDO, { token: first.back, newPassword: password });
      return (await isBack(target, ada, password)) ? null : 'Ada’s account, for good';
    },
  },
  {
    id: 'link-undo-factor',
    title: 'Add an authenticator app, move the account, and keep Ada out after she took it back',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await enrol(ada.client);
      const { back } = await moveAway(target, ada);
      const password = newPassword();
      await post(target, 'ada', UNDO, { token: back, newPassword: password });
      return keepsOut(target, ada, password);
    },
  },
  {
    id: 'link-undo-factor-after',
    title: 'Move the account, add an authenticator app, and keep Ada out after she took it back',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { back, moved } = await moveAway(target, ada);
      await enrol(moved.client);
      const password = newPassword();
      await post(target, 'ada', UNDO, { token: back, newPassword: password });
      return keepsOut(target, ada, password);
    },
  },
  {
    id: 'link-undo-passkey',
    title: 'Add a passkey, move the account, and sign in with it after Ada took it back',
    needsLab: true,
    run: async (target) => {
      const ada = await withPasskey(target, 'ada');
      const { back } = await moveAway(target, ada);
      await post(target, 'ada', UNDO, { token: back, newPassword: newPassword() });
      return lootOf(target, ada, await signIn(target, 'eve', ada.device));
    },
  },
];
