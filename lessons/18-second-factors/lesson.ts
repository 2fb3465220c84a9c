import { totpCode } from '../../test/support/second-factors.js';
import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';
import { signIn, withTotp } from './people.js';
import { tableAttacks } from './table-attacks.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '18-second-factors',
  title: 'Second factors',
  claim:
    'Who has the password of an account with a second factor has half of what it takes, and no way around the other half.',
  asvs: ['6.3.3', '6.4.3', '6.5.1', '6.5.5', '7.4.3', '11.3.3', '11.3.4'],
  api: ['API2:2023'],
  use: async (target) => {
    const ada = await withTotp(target, 'ada');
    const typo = await signIn(target, 'ada', ada, '000000');
    if (typo.accessToken) throw new Error('any code signs in');
    const byCode = await signIn(target, 'ada', ada, totpCode(ada.secret));
    const byPaper = await signIn(target, 'ada', ada, ada.recoveryCodes[0] ?? '');
    if (!byCode.accessToken || !byPaper.accessToken) throw new Error('Ada cannot sign in');
  },
  attacks: [...attacks, ...tableAttacks],
  controls,
  stacks: [
    {
      controls: ['factor-own-codes', 'crypt-owner'],
      opens: ['factor-foreign-code', 'factor-swap-seed', 'factor-move-row'],
    },
    {
      controls: ['crypt-owner', 'crypt-place'],
      opens: ['factor-swap-seed', 'factor-move-row', 'crypt-take-over', 'crypt-swap-rows'],
    },
  ],
  wrongFixes,
};
