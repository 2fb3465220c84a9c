import { behindRowSecurity } from '../26-row-level-security/controls.js';
import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';
import { feedAttacks } from './feed-attacks.js';
import { signInAgain } from './people.js';
import { sessionAttacks } from './session-attacks.js';
import { sessionControls } from './session-controls.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '12-revocation',
  title: 'Revocation',
  claim:
    'What is taken away is gone with the next request, and its owner can see what there is to take away.',
  asvs: ['6.3.5', '7.4.1', '7.4.2', '7.4.3', '7.4.5', '7.5.2', '8.3.2', '16.5.2'],
  api: ['API2:2023', 'API5:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const phone = await signInAgain(target, ada);
    await phone.client.post('/v1/auth/logout');
    const { status } = await ada.client.get('/v1/users/me');
    if (status !== 200) throw new Error('the log-out of one device ended the session of another');
    await signInAgain(target, ada);
  },
  attacks: [...attacks, ...sessionAttacks, ...feedAttacks],
  controls: [...controls, ...sessionControls],
  stacks: [
    behindRowSecurity('session-owner', ['session-foreign-end']),
    behindRowSecurity('session-list-own', ['session-foreign-list']),
  ],
  wrongFixes,
};
