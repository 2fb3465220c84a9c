import { randomBytes } from 'node:crypto';
import type { Loot } from '../engine/lesson.js';
import type { Account, Person, Target } from '../engine/target.js';

export const REGISTER = '/v1/auth/register';
export const VERIFY = '/v1/auth/verify-address';
export const FORGOT = '/v1/auth/forgot-password';
export const RESET = '/v1/auth/reset-password';
export const CHANGE = '/v1/users/me/email';
export const CONFIRM = '/v1/auth/confirm-email-change';
export const UNDO = '/v1/auth/undo-email-change';

const random = () => randomBytes(4).toString('hex');
export const newPassword = () => `plum orchid ${random()}`;
export const addressOf = (name: string) => `${name}-${random()}@example.com`;

/** Everybody from an address of his own, so that no budget of an address decides. */
export const post = (target: Target, who: string, path: string, body: object) =>
  target.stranger(who).post(path, body);

export async function opens(target: Target, who: string, account: Account): Promise<boolean> {
  const { email, password } = account;
  const { body } = await post(target, who, '/v1/auth/login', { email, password });
  return typeof body['accessToken'] === 'string';
}

/** Asks for a link, and reads the mail. */
export async function resetToken(target: Target, { email }: Account): Promise<string> {
  await post(target, 'ada', FORGOT, { email });
  return (await target.mailed(email)) ?? '';
}

/** Signs up, and reads the mail. */
export async function signUpToken(target: Target, who: string, account: Account): Promise<string> {
  await post(target, who, REGISTER, account);
  return (await target.mailed(account.email)) ?? '';
}

/** Asks for another address, and reads the mail that comes there. */
export async function changeToken(target: Target, { client, password }: Person, newEmail: string) {
  await client.post(CHANGE, { newEmail, currentPassword: password });
  return (await target.mailed(newEmail)) ?? '';
}

/** Eve, who has Ada's session and password, moves the account into her own mailbox. */
export async function moveAway(target: Target, ada: Person, email = addressOf('eve')) {
  await post(target, 'eve', CONFIRM, { token: await changeToken(target, ada, email) });
  const way = { email, back: (await target.mailed(ada.email)) ?? '' };
  const { email: _old, ...rest } = ada;
  const stranger = target.stranger('eve');
  const { body } = await stranger.post<{ accessToken?: string }>('/v1/auth/login', {
    email,
    password: ada.password,
  });
  return { ...way, moved: { ...rest, email, client: stranger.withToken(body.accessToken ?? '') } };
}

/** The loot of most attacks here: Eve signs in where only Ada should. */
export const taken = async (target: Target, account: Account): Promise<Loot> =>
  (await opens(target, 'eve', account)) ? 'Ada’s account, with a password of Eve’s' : null;
