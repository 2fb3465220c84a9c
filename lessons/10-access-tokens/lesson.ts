import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '10-access-tokens',
  title: 'Access tokens',
  claim:
    'A token is believed only when this issuer signed it, as an access token, for this API, a short while ago.',
  asvs: ['9.1.1', '9.1.2', '9.1.3', '9.2.1', '9.2.2', '9.2.3', '9.2.4', '14.2.1'],
  api: ['API2:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const { body } = await ada.client.get<{ email?: string }>('/v1/users/me');
    if (body.email !== ada.email) throw new Error('a good token does not open the own profile');
  },
  attacks,
  controls,
  stacks: [
    { controls: ['token-algorithm', 'token-key-type'], opens: ['token-hs256', 'token-hs384'] },
    {
      controls: ['token-expiry-rule', 'token-expiry-each-use'],
      opens: ['token-expired', 'token-expired-remembered'],
    },
  ],
  wrongFixes,
};
