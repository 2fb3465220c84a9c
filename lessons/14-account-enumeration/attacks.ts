import { randomBytes } from 'node:crypto';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

const LOGIN = '/v1/auth/login';
const REGISTER = '/v1/auth/register';

const nobody = () => `nobody-${randomBytes(4).toString('hex')}@example.com`;
const password = () => `lilac tortoise ${randomBytes(4).toString('hex')}`;

/** What an answer says: the status, the body and the headers, without what differs every time. */
async function answerTo(target: Target, path: string, email: string): Promise<string> {
  const credentials = { email, password: password() };
  const { status, body, headers } = await target.stranger('eve').post(path, credentials);
  const lasting = [...headers].filter(([name]) => !/^(date|x-request-id|ratelimit)/.test(name));
  return JSON.stringify([status, { ...body, requestId: '' }, lasting]);
}

const answers = (id: string, title: string, path: string): Attack => ({
  id,
  title,
  run: async (target) => {
    const { email } = await target.person('ada');
    const same = (await answerTo(target, path, email)) === (await answerTo(target, path, nobody()));
    return same ? null : 'whether Ada has an account, by the answer';
  },
});

/** Fewer than an account has for all strangers together. */
const TRIES = 18;
/**
 * A password hash takes some twenty milliseconds; a look into the database takes two. What a sign-up leaves
 * to do is done beside the next one, and slows it down.
 */
const CLEARLY: Record<string, number> = { [LOGIN]: 1.5, [REGISTER]: 2 };

/** Compares the fastest of many tries: noise only adds. Each comes from another address. */
async function timesDiffer(
  target: Target,
  path: string,
  known: string,
  faster: 'known' | 'unknown',
): Promise<boolean> {
  const time = async (email: string) => {
    const client = target.stranger('eve');
    const startedAt = performance.now();
    await client.post(path, { email, password: password() });
    return performance.now() - startedAt;
  };
  const fastest = { known: Infinity, unknown: Infinity };
  for (let number = 0; number < TRIES; number += 1) {
    fastest.known = Math.min(fastest.known, await time(known));
    fastest.unknown = Math.min(fastest.unknown, await time(nobody()));
  }
  const slower = faster === 'known' ? 'unknown' : 'known';
  return fastest[slower] >= (CLEARLY[path] ?? Infinity) * fastest[faster];
}

const count = (verdicts: boolean[], of: boolean) =>
  verdicts.filter((verdict) => verdict === of).length;

const times = (id: string, title: string, path: string, faster: 'known' | 'unknown'): Attack => ({
  id,
  title,
  swept: 'never',
  run: async (target) => {
    // Two accounts of three must agree: a busy machine differs by chance, and not in the same way.
    const differ: boolean[] = [];
    while (count(differ, true) < 2 && count(differ, false) < 2) {
      const { email } = await target.person('ada');
      differ.push(await timesDiffer(target, path, email, faster));
    }
    return count(differ, true) === 2 ? 'whether Ada has an account, by the clock' : null;
  },
});

const EVES = password();

const codeOf = async (target: Target, email: string) =>
  (await target.stranger('eve').post(LOGIN, { email, password: EVES })).body['code'];

async function codeAfter(target: Target, email: string) {
  await target.stranger('eve').post(REGISTER, { email, password: EVES });
  return codeOf(target, email);
}

const PAIR_TRIES = 11;

/** After so many wrong tries, is there still an answer about the password? */
async function isBlocked(target: Target, email: string): Promise<boolean> {
  const client = target.stranger('eve');
  for (let number = 1; number < PAIR_TRIES; number += 1)
    await client.post(LOGIN, { email, password: password() });
  const { body } = await client.post(LOGIN, { email, password: password() });
  return body['code'] === 'rate_limited';
}

async function blocksDiffer(target: Target): Promise<Loot> {
  const { email } = await target.person('ada');
  const same = (await isBlocked(target, email)) === (await isBlocked(target, nobody()));
  return same ? null : 'whether Ada has an account, by the point at which guessing ends';
}

export const attacks: Attack[] = [
  answers('enumerate-login', 'Ask the sign-in who has an account', LOGIN),
  answers('enumerate-register', 'Ask the sign-up who has an account', REGISTER),
  times('enumerate-login-time', 'Ask how long the sign-in takes', LOGIN, 'unknown'),
  times('enumerate-register-time', 'Ask how long the sign-up takes', REGISTER, 'known'),
  {
    id: 'enumerate-sign-up-and-in',
    title: 'Sign up with Ada’s address, then sign in',
    run: async (target) => {
      const { email } = await target.person('ada');
      const same = (await codeAfter(target, email)) === (await codeAfter(target, nobody()));
      return same ? null : 'whether Ada has an account, by what becomes of a sign-up of Eve’s';
    },
  },
  {
    id: 'enumerate-confirmation',
    title: 'Sign up with Ada’s address and sign in again and again, until the answer changes',
    needsLab: true,
    run: async (target) => {
      const ada = { email: nobody(), password: password() };
      await target.stranger('ada').post(REGISTER, ada);
      const token = await target.mailed(ada.email);
      const before = await codeAfter(target, ada.email);
      // Eve’s sign-up has its link by then, too.
      await target.mailed(ada.email);
      const confirmed = { token, password: ada.password };
      await target.stranger('ada').post('/v1/auth/verify-address', confirmed);
      const after = await codeOf(target, ada.email);
      return before === after ? null : 'the moment in which Ada got an account';
    },
  },
  {
    id: 'enumerate-block',
    title: 'Ask which accounts guessing is stopped for',
    swept: 'never',
    run: blocksDiffer,
  },
];
