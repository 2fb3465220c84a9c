import { randomBytes } from 'node:crypto';
import type { Attack } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { BREACHED, LIST_NAMED } from './breaches.js';

const newEmail = () => `ada-${randomBytes(4).toString('hex')}@example.com`;

async function register(target: Target, email: string, password: string): Promise<boolean> {
  const client = target.stranger('ada');
  const { status } = await client.post('/v1/auth/register', { email, password });
  if (status === 202) await target.confirm({ email, password });
  return status === 202;
}

async function opens(target: Target, email: string, password: string): Promise<boolean> {
  const client = target.stranger('eve');
  const { body } = await client.post<{ accessToken?: string }>('/v1/auth/login', {
    email,
    password,
  });
  return Boolean(body.accessToken);
}

/** Ada chooses `chosen`; Eve has `guess` on her list. */
const choice = (
  id: string,
  title: string,
  chosen: string | ((email: string) => string),
  guess?: string,
): Attack => ({
  id,
  title,
  run: async (target) => {
    const email = newEmail();
    const password = typeof chosen === 'string' ? chosen : chosen(email);
    if (!(await register(target, email, password))) return null;
    return (await opens(target, email, guess ?? password)) ? 'Ada’s account, at a guess' : null;
  },
});

/** Ada has a good one, and changes it. */
const change = (id: string, title: string, newPassword: string): Attack => ({
  id,
  title,
  run: async (target) => {
    const { client, email, password } = await target.person('ada');
    const request = { currentPassword: password, newPassword };
    const { status } = await client.put('/v1/users/me/password', request);
    if (status !== 204) return null;
    return (await opens(target, email, newPassword)) ? 'Ada’s account, at a guess' : null;
  },
});

const nameOf = (email: string) => email.replace(/@.*/, '');
/** As an input method for another script writes it. */
const fullWidth = (text: string) =>
  text.replace(/[!-~]/g, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0));

const choices: Attack[] = [
  choice('password-short', 'Guess a password of eight characters', 'kx7!vq2m'),
  choice('password-short-emoji', 'Guess one of eight emoji', '🦊🐻🐼🐨🐯🦁🐮🐷'),
  choice('password-ligature', 'Guess one of five characters that count as 22', 'kx7!\u{fdfa}'),
  choice('password-few', 'Guess one of two letters that take turns', 'abbabaabbaababba'),
  choice('password-common', 'Try the well-known ones', '1qaz2wsx3edc4rfv'),
  choice('password-common-capitals', 'Try them with capitals', '1QAZ2wsx3edc4RFV'),
  choice('password-common-repeated', 'Try them several times over', 'dragondragondragon'),
  choice('password-common-joined', 'Try them one after the other', 'sunshineprincess'),
  choice(
    'password-common-wide',
    'Try them where another script was on',
    fullWidth('1qaz2wsx3edc4rfv'),
    '1qaz2wsx3edc4rfv',
  ),
  choice('password-address', 'Try the address as the password', (email) => email),
  choice('password-name', 'Try the name before the @, twice', (email) => nameOf(email).repeat(2)),
  change(
    'password-change-common',
    'Wait until Ada changes to a well-known one',
    '1qaz2wsx3edc4rfv',
  ),
  {
    id: 'password-prefix',
    title: 'Sign in with the beginning of a long password',
    run: async (target) => {
      const email = newEmail();
      const long = 'seven lilac tortoises walk '.repeat(4);
      await register(target, email, long);
      const guess = `${long.slice(0, 72)} and then something else`;
      return (await opens(target, email, guess)) ? 'Ada’s account, without her password' : null;
    },
  },
];

const HUGE = 12_000;

const input: Attack[] = [
  {
    id: 'password-huge',
    title: 'Have a password of twelve thousand characters looked at',
    run: async (target) => {
      const email = newEmail();
      const huge = randomBytes(HUGE / 2).toString('hex');
      if (!(await register(target, email, huge))) return null;
      return (await opens(target, email, huge)) ? 'work without a limit, for one request' : null;
    },
  },
  {
    id: 'password-echo',
    title: 'Read a refused password in the answer',
    run: async (target) => {
      const refused = 'zw7k';
      const client = target.stranger('ada');
      const credentials = { email: newEmail(), password: refused };
      const { text } = await client.post('/v1/auth/register', credentials);
      return text.includes(refused) ? 'what Ada wanted as her password' : null;
    },
  },
];

const breached: Attack[] = [
  choice('password-breached', 'Try one that another service lost', BREACHED),
  change('password-change-breached', 'Wait until Ada changes to such a one', BREACHED),
].map((attack) => ({ ...attack, scenario: LIST_NAMED }));

export const attacks: Attack[] = [...choices, ...input, ...breached];
