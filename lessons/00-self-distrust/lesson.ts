import type { Attack, Edit, Lesson } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

const DEPARTURES = 'src/auth/departures.service.ts';
const REAUTHENTICATE = '    await this.account.reauthenticate(actor, currentPassword, ip);\n';
const REMOVE = '    await this.leave(actor);\n';

/** A thief holds Ada's access token for some minutes. Her password he does not know. */
async function deleteAccount(target: Target) {
  const ada = await target.person('ada');
  const thief = target.stranger('thief').withToken(ada.accessToken);
  const answer = await thief.delete('/v1/users/me', { currentPassword: 'a guess of the thief' });
  return { ada, answer };
}

const attacks: Attack[] = [
  {
    id: 'trust-status',
    title: 'Delete an account with a stolen token, and believe the status (a bad test)',
    run: async (target) => {
      const { answer } = await deleteAccount(target);
      return answer.status === 204 ? 'a status of 204' : null;
    },
  },
  {
    id: 'trust-loot',
    title: 'Delete an account with a stolen token, and look whether its owner still gets in',
    run: async (target) => {
      const { ada } = await deleteAccount(target);
      const { email, password } = ada;
      const { body } = await target
        .stranger('ada')
        .post<{ code?: string }>('/v1/auth/login', { email, password });
      return body.code === 'account_leaving' ? 'the end of Ada’s account' : null;
    },
  },
];

const edit = (find: string, replace: string): Edit => ({ file: DEPARTURES, find, replace });

export const lesson: Lesson = {
  folder: '00-self-distrust',
  title: 'Self-distrust',
  claim: 'A test proves a control only if it goes red when exactly that control is gone.',
  asvs: ['7.5.3'],
  api: ['API2:2023'],
  use: async (target) => {
    const { client, password } = await target.person('ada');
    await client.delete('/v1/users/me', { currentPassword: password });
    const { body } = await client.get<{ id?: string }>('/v1/users/me');
    if (body.id !== undefined) throw new Error('the owner cannot delete the account');
  },
  attacks,
  controls: [
    {
      id: 'trust-reauthentication',
      title: 'Deleting an account asks for the password again',
      file: DEPARTURES,
      removal: { edits: [edit(REAUTHENTICATE + REMOVE, REMOVE)] },
      opens: ['trust-status', 'trust-loot', 'guess-account-deletion'],
    },
  ],
  wrongFixes: [
    {
      id: 'trust-check-afterwards',
      title: 'Check the password after the work is done',
      why: 'The answer is a refusal, so a test of the status stays green; the account is gone.',
      change: { edits: [edit(REAUTHENTICATE + REMOVE, REMOVE + REAUTHENTICATE)] },
      opens: ['trust-loot', 'guess-account-deletion'],
    },
  ],
};
