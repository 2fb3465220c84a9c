import { behindRowSecurity } from '../26-row-level-security/controls.js';
import type { Lesson, WrongFix } from '../engine/lesson.js';
import { changeAttacks } from './change-attacks.js';
import {
  controls,
  hostOfRequest,
  MAILER,
  MOVE_LINKS,
  ORIGIN,
  RECOVERY,
  removal,
  SPEND,
} from './controls.js';
import {
  addressOf,
  changeToken,
  CONFIRM,
  newPassword,
  opens,
  post,
  RESET,
  resetToken,
  signUpToken,
  VERIFY,
} from './parts.js';
import { recoveryAttacks } from './recovery-attacks.js';
import { signUpAttacks } from './sign-up-attacks.js';

const wrongFixes: WrongFix[] = [
  {
    id: 'link-delete-anyway',
    title: 'Look whether the link is there, then delete it',
    why: 'Between the look and the deletion there is time for a password to be hashed, and for others to look.',
    change: removal(RECOVERY, [
      SPEND,
      "      await this.links.spend(tx, 'reset_password', token);\n",
    ]),
    opens: ['link-raced'],
  },
  {
    id: 'link-host-contains',
    title: 'Take the host from the request, if it has our name in it',
    why: 'A name of Eve’s has ours in it as soon as she wants.',
    change: {
      edits: [
        ...hostOfRequest,
        {
          file: MAILER,
          find: ORIGIN,
          replace:
            'if (!link?.host.includes(new URL(this.config.publicUrl).hostname) && link !== undefined)',
        },
      ],
    },
    opens: ['link-forged-host'],
  },
  {
    id: 'link-undo-bound',
    title: 'Let a way back lead from the address that the account was moved to, and from no other',
    why: 'Then Eve moves it once more.',
    change: removal(MOVE_LINKS, [
      'AND l.expires_at > now() AND NOT u.is_erased',
      'AND l.expires_at > now() AND NOT u.is_erased AND u.email_index = l.from_index',
    ]),
    opens: ['link-undo-moved-on'],
  },
];

export const lesson: Lesson = {
  folder: '16-mailed-links',
  title: 'Mailed links',
  claim:
    'A link proves that somebody reads a mailbox, for one purpose, once and for a while; it gives nobody more than that, and nobody else anything.',
  asvs: ['2.4.1', '6.3.6', '6.3.7', '6.3.8', '7.4.3', '7.5.1'],
  api: ['API2:2023', 'API6:2023'],
  attacks: [...signUpAttacks, ...recoveryAttacks, ...changeAttacks],
  controls,
  stacks: [
    behindRowSecurity('link-move-same-answer', ['link-move-enumerate']),
    { controls: ['link-own-host', 'link-mailer-host'], opens: ['link-forged-host'] },
    {
      controls: ['link-spent', 'link-dies-on-change'],
      opens: [
        'link-twice',
        'link-other-of-two',
        'link-raced',
        'link-after-change',
        'link-move-after-change',
      ],
    },
  ],
  wrongFixes,
  use: async (target) => {
    const ada = { email: addressOf('ada'), password: newPassword() };
    const token = await signUpToken(target, 'ada', ada);
    await post(target, 'ada', VERIFY, { token, password: ada.password });
    if (!(await opens(target, 'ada', ada))) throw new Error('nobody can sign up');
    const changed = { ...ada, password: newPassword() };
    const reset = { token: await resetToken(target, ada), newPassword: changed.password };
    await post(target, 'ada', RESET, reset);
    if (!(await opens(target, 'ada', changed))) throw new Error('nobody can set a new password');
    const person = await target.person('ada');
    const moved = { email: addressOf('ada'), password: person.password };
    await post(target, 'ada', CONFIRM, { token: await changeToken(target, person, moved.email) });
    if (!(await opens(target, 'ada', moved))) throw new Error('nobody can change the address');
  },
};
