import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';
import { stolenRows } from './stolen-rows.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '15-passwords',
  title: 'Passwords: which ones, and how they are kept',
  claim:
    'A password that is on a list cannot be chosen, and a stolen row does not give back one that was.',
  asvs: ['6.2.1', '6.2.4', '6.2.8', '6.2.9', '6.2.11', '6.2.12', '11.4.2', '15.2.2', '16.2.5'],
  api: ['API2:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const newPassword = 'straße, ﬁsch & 紫色的乌龟';
    const change = { currentPassword: ada.password, newPassword };
    await ada.client.put('/v1/users/me/password', change);
    // Another keyboard writes the same characters with other code points.
    const credentials = { email: ada.email, password: newPassword.normalize('NFKD') };
    const { status } = await target.stranger('ada').post('/v1/auth/login', credentials);
    if (status !== 200) throw new Error('the same password on another keyboard is refused');
  },
  attacks: [...attacks, ...stolenRows],
  controls,
  stacks: [{ controls: ['password-maximum', 'password-input-maximum'], opens: ['password-huge'] }],
  wrongFixes,
};
