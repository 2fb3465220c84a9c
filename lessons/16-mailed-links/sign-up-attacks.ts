import { jobsOf } from '../../test/support/jobs.js';
import type { Attack } from '../engine/lesson.js';
import {
  addressOf,
  FORGOT,
  newPassword,
  opens,
  post,
  REGISTER,
  RESET,
  signUpToken,
  taken,
  VERIFY,
} from './parts.js';

const GUESSES = 11;
const FLOOD = 8;
const ALLOWED = 5;

const hijacked = 'an account at Ada’s address, with a password of Eve’s';

export const signUpAttacks: Attack[] = [
  {
    id: 'link-pre-hijack',
    title: 'Sign up with Ada’s address before she does, and wait until she opens the link',
    needsLab: true,
    run: async (target) => {
      const eves = { email: addressOf('ada'), password: newPassword() };
      const token = await signUpToken(target, 'eve', eves);
      await post(target, 'ada', VERIFY, { token, password: newPassword() });
      return (await opens(target, 'eve', eves)) ? hijacked : null;
    },
  },
  {
    id: 'link-pre-hijack-overtake',
    title: 'Sign up with Ada’s address after she did, before she opens her link',
    needsLab: true,
    run: async (target) => {
      const email = addressOf('ada');
      const [adas, eves] = [newPassword(), newPassword()];
      const token = await signUpToken(target, 'ada', { email, password: adas });
      await signUpToken(target, 'eve', { email, password: eves });
      await post(target, 'ada', VERIFY, { token, password: adas });
      return (await opens(target, 'eve', { email, password: eves })) ? hijacked : null;
    },
  },
  {
    id: 'link-unverified',
    title: 'Sign up with Ada’s address, and sign in at once',
    needsLab: true,
    run: async (target) => {
      const eves = { email: addressOf('ada'), password: newPassword() };
      await signUpToken(target, 'eve', eves);
      return (await opens(target, 'eve', eves)) ? hijacked : null;
    },
  },
  {
    id: 'link-sign-up-guess',
    title: 'Read Ada’s link in her mail, and try passwords on it',
    needsLab: true,
    swept: 'in its lesson',
    run: async (target) => {
      const ada = { email: addressOf('ada'), password: newPassword() };
      const token = await signUpToken(target, 'ada', ada);
      const eve = target.stranger('eve');
      for (let number = 1; number < GUESSES; number += 1)
        await eve.post(VERIFY, { token, password: `a likely password ${number}` });
      const { status } = await eve.post(VERIFY, { token, password: ada.password });
      return status === 204 ? 'Ada’s password, at the eleventh guess' : null;
    },
  },
  {
    id: 'link-bombing',
    title: 'Sign up with Ada’s address again and again, to fill her mailbox and our table',
    needsLab: true,
    swept: 'in its lesson',
    run: async (target) => {
      const email = addressOf('ada');
      for (let number = 0; number < FLOOD; number += 1)
        await post(target, 'eve', REGISTER, { email, password: newPassword() });
      await target.mailed(email);
      const rows = await jobsOf(target.lab.database, email);
      return rows.length > ALLOWED ? 'a mailbox full of our mails' : null;
    },
  },
  {
    id: 'link-dump',
    title: 'Take what stands in a copied database for the link’s secret',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await post(target, 'ada', FORGOT, { email: ada.email });
      await target.mailed(ada.email);
      const [row] = await target.lab.database.query<{ token_hash: Buffer }>(
        'SELECT token_hash FROM mail_links WHERE user_id = $1',
        [ada.id],
      );
      const stolen = { email: ada.email, password: newPassword() };
      const token = row?.token_hash.toString('base64url') ?? '';
      await post(target, 'eve', RESET, { token, newPassword: stolen.password });
      return taken(target, stolen);
    },
  },
];
