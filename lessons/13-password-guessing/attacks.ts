import { randomBytes, randomInt } from 'node:crypto';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

/** One more than one source may try on one account, and one that the clock may give back. */
const PAIR_TRIES = 11;
/** The same for all sources together. */
const ACCOUNT_TRIES = 21;

const address = () => `172.${randomInt(16, 32)}.${randomInt(256)}.${randomInt(1, 255)}`;
const wrong = (number: number) => `a likely password ${number}`;

interface Answer {
  accessToken?: string;
  code?: string;
}

interface Guess {
  email: string;
  password: string;
  ip: string;
  headers?: Record<string, string>;
}

async function logIn(target: Target, { email, password, ip, headers }: Guess): Promise<Answer> {
  const client = target.stranger('eve', ip);
  const { body } = await client.post<Answer>('/v1/auth/login', { email, password }, headers);
  return body;
}

/** A list of passwords with the right one at its end, tried from where `next` says. */
async function tryList(
  target: Target,
  { email, password }: Person,
  tries: number,
  next: () => Pick<Guess, 'ip' | 'headers'>,
): Promise<Loot> {
  for (let number = 0; number < tries; number += 1)
    await logIn(target, { email, password: wrong(number), ...next() });
  const { accessToken } = await logIn(target, { email, password, ...next() });
  return accessToken ? 'Ada’s password' : null;
}

const lists: Attack[] = [
  {
    id: 'guess-one-source',
    title: 'Try a list of passwords on Ada’s account from her own office',
    run: async (target) => {
      const ada = await target.person('ada');
      return tryList(target, ada, PAIR_TRIES, () => ({ ip: ada.client.ip }));
    },
  },
  {
    id: 'guess-many-sources',
    title: 'Try the list from a new address each time',
    run: async (target) => {
      const ada = await target.person('ada');
      return tryList(target, ada, ACCOUNT_TRIES, () => ({ ip: address() }));
    },
  },
  {
    id: 'guess-forged-source',
    title: 'Try the list from one place that claims to be another each time',
    run: async (target) => {
      const [ada, ip] = [await target.person('ada'), address()];
      // What the proxy makes of it: the claim, and behind it the address that it saw.
      return tryList(target, ada, PAIR_TRIES, () => ({
        ip,
        headers: { 'x-forwarded-for': `${address()}, ${ip}` },
      }));
    },
  },
  {
    id: 'guess-at-once',
    title: 'Try the list all at once, before anything is counted',
    run: async (target) => {
      const [{ email }, ip] = [await target.person('ada'), address()];
      const guesses = Array.from({ length: 16 }, (_, number) => wrong(number));
      const answers = await Promise.all(
        guesses.map((password) => logIn(target, { email, password, ip })),
      );
      const looked = answers.filter(({ code }) => code === 'invalid_credentials').length;
      return looked > PAIR_TRIES ? 'more guesses than there is budget for' : null;
    },
  },
];

/** Eve has an access token of Ada's and wants the account for good. */
async function reauthenticate(
  ada: Person,
  attempt: (password: string) => Promise<{ status: number }>,
): Promise<boolean> {
  for (let number = 0; number < PAIR_TRIES; number += 1) await attempt(wrong(number));
  return (await attempt(ada.password)).status === 204;
}

const elsewhere: Attack[] = [
  {
    id: 'guess-password-change',
    title: 'Guess at the route that changes the password',
    run: async (target) => {
      const ada = await target.person('ada');
      const thief = target.stranger('eve', address()).withToken(ada.accessToken);
      const newPassword = `eve was here ${randomBytes(4).toString('hex')}`;
      await reauthenticate(ada, (currentPassword) =>
        thief.put('/v1/users/me/password', { currentPassword, newPassword }),
      );
      const taken = { email: ada.email, password: newPassword, ip: address() };
      const { accessToken } = await logIn(target, taken);
      return accessToken ? 'Ada’s account, with a password of Eve’s' : null;
    },
  },
  {
    id: 'guess-account-deletion',
    title: 'Guess at the route that deletes the account',
    run: async (target) => {
      const ada = await target.person('ada');
      const thief = target.stranger('eve', address()).withToken(ada.accessToken);
      await reauthenticate(ada, (currentPassword) =>
        thief.delete('/v1/users/me', { currentPassword }),
      );
      const { accessToken } = await logIn(target, { ...ada, ip: ada.client.ip });
      return accessToken ? null : 'the end of Ada’s account';
    },
  },
];

/** More than a minute's budget of one address, and than the clock gives back meanwhile. */
const MINUTE = 45;

async function spray(target: Target, next: () => string): Promise<Loot> {
  const ada = await target.person('ada');
  const guess = () =>
    target.stranger('eve', next()).post('/v1/auth/refresh', { refreshToken: 'a guess' });
  await Promise.all(Array.from({ length: MINUTE }, guess));
  const { accessToken } = await logIn(target, { ...ada, ip: next() });
  return accessToken ? 'the password that one of many accounts has' : null;
}

const sprays: Attack[] = [
  {
    id: 'guess-many-accounts',
    title: 'Try little on each of many accounts, from one address',
    run: async (target) => {
      const ip = address();
      return spray(target, () => ip);
    },
  },
  {
    id: 'guess-many-ipv6',
    title: 'Do the same with all the addresses of one IPv6 subscriber',
    run: async (target) => {
      const [network, host] = [randomBytes(2).toString('hex'), randomBytes(2)];
      const next = () => {
        host.writeUInt16BE((host.readUInt16BE() + 1) % 0xffff);
        return `2001:db8:${network}:1::${host.toString('hex').replace(/^0+(?=.)/, '')}`;
      };
      return spray(target, next);
    },
  },
];

const denial: Attack[] = [
  {
    id: 'guess-lock-out',
    title: 'Lock Ada out with guesses of your own',
    run: async (target) => {
      const ada = await target.person('ada', 'password');
      await tryList(target, { ...ada, password: wrong(-1) }, ACCOUNT_TRIES, () => ({
        ip: address(),
      }));
      const { accessToken } = await logIn(target, { ...ada, ip: ada.client.ip });
      return accessToken ? null : 'a locked door in front of Ada';
    },
  },
];

/** Many guesses are many password hashes: half a second of work each. */
export const attacks: Attack[] = [...lists, ...elsewhere, ...sprays, ...denial].map((attack) => ({
  ...attack,
  swept: 'in its lesson',
}));
