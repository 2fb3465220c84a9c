import { behindRowSecurity } from '../26-row-level-security/controls.js';
import type { Change, Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { ASKED, CHALLENGES, GROWS, originIf, PARTY, PASSKEYS, RULES, SPENT } from './parts.js';
import { adaSignsIn, withPasskey } from './people.js';
import { wrongFixes } from './wrong-fixes.js';

const removal = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

export const lesson: Lesson = {
  folder: '09-passkeys',
  title: 'Passkeys',
  claim:
    'A passkey signs in its owner, on our own page, once a touch; neither a page of somebody else’s nor a copy of it does.',
  asvs: ['6.3.3', '6.5.1', '6.7.2'],
  api: ['API2:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const ada = await withPasskey(target, 'ada');
    for (let use = 0; use < 2; use += 1) await adaSignsIn(target, ada);
    const bob = await withPasskey(target, 'bob', false);
    for (let use = 0; use < 2; use += 1) await adaSignsIn(target, bob, 0);
  },
  stacks: [behindRowSecurity('passkey-owner', ['passkey-own-second', 'passkey-own-step-up'])],
  controls: [
    {
      id: 'passkey-origin',
      title: 'The page that asked is ours',
      file: PARTY,
      removal: removal(PARTY, RULES, originIf('true')),
      opens: ['passkey-neighbour-page', 'passkey-other-port'],
    },
    {
      id: 'passkey-challenge-ours',
      title: 'What is signed is a challenge of ours',
      file: PASSKEYS,
      removal: removal(PASSKEYS, 'await this.challenges.spend(challenge, asked);', ''),
      opens: ['passkey-replay', 'passkey-at-once', 'passkey-prepared'],
    },
    {
      id: 'passkey-challenge-once',
      title: 'A challenge is good for one use',
      file: CHALLENGES,
      removal: {
        ...removal(
          CHALLENGES,
          SPENT,
          SPENT.replace(
            'DELETE FROM passkey_challenges',
            'UPDATE passkey_challenges SET purpose = purpose',
          ),
        ),
        sql: 'GRANT UPDATE ON passkey_challenges TO bulwark_app',
      },
      opens: ['passkey-replay', 'passkey-at-once'],
    },
    {
      id: 'passkey-user-verified',
      title: 'The device has made sure that it is its owner',
      file: PARTY,
      removal: removal(PARTY, 'requireUserVerification: true', 'requireUserVerification: false'),
      opens: ['passkey-found', 'passkey-found-step-up'],
    },
    {
      id: 'passkey-count',
      title: 'The count of the device grows',
      file: PASSKEYS,
      removal: removal(PASSKEYS, GROWS, ''),
      opens: ['passkey-copy-older', 'passkey-copy-same', 'passkey-copy-zero'],
    },
    {
      id: 'passkey-owner',
      title: 'The passkey is of the account that is asked',
      file: PASSKEYS,
      removal: removal(PASSKEYS, ASKED, 'const isAsked = [owner, userHandle].length > 0;'),
      opens: ['passkey-own-second'],
    },
  ],
};
