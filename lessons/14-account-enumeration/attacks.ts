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
/** A password hash takes some twenty milliseconds, all else of a sign-in some five, of a sign-up two. */
const CLEARLY = 2;
const ALIKE = 1.2;
/** One account is chance; after so many Eve gives up. */
const ACCOUNTS = { thatTell: 2, most: 10 };

/** How long an answer takes at the least: noise only adds. Each try comes from another address. */
async function fastestOf(target: Target, path: string, emails: (() => string)[]) {
  const fastest = emails.map(() => Infinity);
  for (let number = 0; number < TRIES; number += 1)
    for (const [index, email] of emails.entries()) {
      const client = target.stranger('eve');
      const startedAt = performance.now();
      await client.post(path, { email: email(), password: password() });
      fastest[index] = Math.min(fastest[index] ?? Infinity, performance.now() - startedAt);
    }
  return fastest;
}

const times = (id: string, title: string, path: string, faster: 'known' | 'unknown'): Attack => ({
  id,
  title,
  swept: 'never',
  looksAtTheClock: true,
  run: async (target) => {
    let tell = 0;
    // A busy machine is not clear at once: one account after the other.
    for (let number = 1; number <= ACCOUNTS.most && tell < ACCOUNTS.thatTell; number += 1) {
      const { email } = await target.person('ada');
      const [known = 0, unknown = 0] = await fastestOf(target, path, [() => email, nobody]);
      const ratio = faster === 'known' ? unknown / known : known / unknown;
      if (ratio <= ALIKE) return null;
      if (ratio >= CLEARLY) tell += 1;
    }
    return tell < ACCOUNTS.thatTell ? null : 'whether Ada has an account, by the clock';
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
