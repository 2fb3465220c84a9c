import { totpCode } from '../../test/support/second-factors.js';
import { createToken, hashToken } from '../../src/auth/tokens.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { adaSignsIn, answer, challengeOf, enrol, opens, signIn, withTotp } from './people.js';

const SESSION = 'a session of Ada’s';
const AT_ONCE = 6;
/** One more than a challenge, and than an account, answers. */
const CHALLENGE_TRIES = 6;
const ACCOUNT_TRIES = 12;

/** Answered means looked at: each of these could have been the right one. */
async function countAnswered(target: Target, challenges: string[], tries: number, right: string) {
  const wrong = Array.from({ length: tries }, (_none, n) => String(100_000 + n)).filter(
    (code) => code !== right,
  );
  let answered = 0;
  for (const [n, code] of wrong.entries()) {
    const challenge = challenges[n % challenges.length] ?? '';
    const { code: problem } = await answer(target, 'eve', challenge, code);
    if (problem === 'wrong_code') answered += 1;
  }
  return answered;
}

const passwordOnly: Attack[] = [
  {
    id: 'factor-password-alone',
    title: 'Sign in to an account with a second factor by its password alone',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const { email, password } = ada;
      const { body } = await target
        .stranger('eve')
        .post<{ accessToken?: string }>('/v1/auth/login', { email, password });
      return (await opens(target, ada, body.accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-older-session',
    title: 'Stay signed in with the password, from before the factor was added',
    run: async (target) => {
      const ada = await target.person('ada');
      const { email, password } = ada;
      const eve = target.stranger('eve');
      const { body } = await eve.post<{ accessToken?: string }>('/v1/auth/login', {
        email,
        password,
      });
      if (!(await enrol(ada.client))) throw new Error('Ada could not add her factor');
      return (await opens(target, ada, body.accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-by-mail',
    title: 'Read Ada’s mail, set a new password, and sign in with it',
    needsLab: true,
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const [token, newPassword] = [createToken(), 'marble walnut ferry 7'];
      await target.lab.database.query(
        `INSERT INTO mail_links (token_hash, user_id, purpose, expires_at)
         VALUES ($1, $2, 'reset_password', now() + interval '5 minutes')`,
        [hashToken(token), ada.id],
      );
      const eve = target.stranger('eve');
      await eve.post('/v1/auth/reset-password', { token, newPassword });
      const { body } = await eve.post<{ accessToken?: string }>('/v1/auth/login', {
        email: ada.email,
        password: newPassword,
      });
      return (await opens(target, ada, body.accessToken)) ? SESSION : null;
    },
  },
];

/** Eve looked over Ada's shoulder, or her page passed on what Ada typed. */
const codes: Attack[] = [
  {
    id: 'factor-code-replay',
    title: 'Use the code that Ada has just used',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const code = totpCode(ada.secret);
      await adaSignsIn(target, ada, code);
      const { accessToken } = await signIn(target, 'eve', ada, code);
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-code-before',
    title: 'Use the code before the one that Ada has just used',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      await adaSignsIn(target, ada, totpCode(ada.secret, 1));
      const { accessToken } = await signIn(target, 'eve', ada, totpCode(ada.secret));
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-code-at-once',
    title: 'Use one code on several challenges at once',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const challenges = await Promise.all(
        Array.from({ length: AT_ONCE }, () => challengeOf(target, 'eve', ada)),
      );
      const code = totpCode(ada.secret);
      const all = await Promise.all(challenges.map((one) => answer(target, 'eve', one, code)));
      const opened = all.filter(({ accessToken }) => accessToken);
      return opened.length > 1 ? 'several sessions for one code' : null;
    },
  },
  {
    id: 'factor-code-late',
    title: 'Use a code of two minutes ago that nobody used',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const { accessToken } = await signIn(target, 'eve', ada, totpCode(ada.secret, 4));
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
];

const guesses: Attack[] = [
  {
    id: 'factor-guess-challenge',
    title: 'Try one code after the other on one challenge',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const challenge = await challengeOf(target, 'eve', ada);
      const right = totpCode(ada.secret);
      const answered = await countAnswered(target, [challenge], CHALLENGE_TRIES, right);
      return answered === CHALLENGE_TRIES ? 'as many guesses as a challenge lasts' : null;
    },
  },
  {
    id: 'factor-guess-account',
    title: 'Ask for a new challenge after every four codes, from a new address each time',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const challenges = [];
      for (let made = 0; made < ACCOUNT_TRIES / 4; made += 1)
        challenges.push(await challengeOf(target, 'eve', ada));
      const right = totpCode(ada.secret);
      const answered = await countAnswered(target, challenges, ACCOUNT_TRIES, right);
      return answered === ACCOUNT_TRIES ? 'as many guesses as there are challenges' : null;
    },
  },
];

const foreign: Attack[] = [
  {
    id: 'factor-foreign-code',
    title: 'Answer Ada’s challenge with the code of your own app',
    run: async (target) => {
      const [ada, eve] = [await withTotp(target, 'ada'), await withTotp(target, 'eve')];
      const { accessToken } = await signIn(target, 'eve', ada, totpCode(eve.secret));
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-foreign-recovery',
    title: 'Answer Ada’s challenge with a recovery code of your own',
    run: async (target) => {
      const [ada, eve] = [await withTotp(target, 'ada'), await withTotp(target, 'eve')];
      const { accessToken } = await signIn(target, 'eve', ada, eve.recoveryCodes[0] ?? '');
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
  {
    id: 'factor-recovery-twice',
    title: 'Use a recovery code from Ada’s paper that she has used',
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const [code = ''] = ada.recoveryCodes;
      await adaSignsIn(target, ada, code);
      const { accessToken } = await signIn(target, 'eve', ada, code);
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
];

/** Eve has the old password and a challenge for it; Ada sets a new one. */
async function afterTheChange(target: Target): Promise<Loot> {
  const ada = await withTotp(target, 'ada');
  const challenge = await challengeOf(target, 'eve', ada);
  await ada.client.put('/v1/users/me/password', {
    currentPassword: ada.password,
    newPassword: 'marble walnut ferry 9',
  });
  const { accessToken } = await answer(target, 'eve', challenge, totpCode(ada.secret));
  return (await opens(target, ada, accessToken)) ? SESSION : null;
}

const challenges: Attack[] = [
  {
    id: 'factor-challenge-of-old-password',
    title: 'Answer a challenge of the old password after Ada has changed it',
    run: afterTheChange,
  },
  {
    id: 'factor-challenge-late',
    title: 'Answer a challenge of yesterday',
    needsLab: true,
    run: async (target) => {
      const ada = await withTotp(target, 'ada');
      const challenge = await challengeOf(target, 'eve', ada);
      await target.lab.database.query(
        `UPDATE second_factor_challenges SET expires_at = now() - interval '1 day'
         WHERE user_id = $1`,
        [ada.id],
      );
      const { accessToken } = await answer(target, 'eve', challenge, totpCode(ada.secret));
      return (await opens(target, ada, accessToken)) ? SESSION : null;
    },
  },
];

export const attacks: Attack[] = [...passwordOnly, ...codes, ...guesses, ...foreign, ...challenges];
