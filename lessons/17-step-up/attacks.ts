import { totpCode } from '../../test/support/second-factors.js';
import { administrator, refresh } from '../12-revocation/people.js';
import { enrol, withTotp } from '../18-second-factors/people.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

const ACCOUNT_TRIES = 12;

/** A session from this morning, and its tokens in a thief's hands. She has long had her coffee. */
export async function stolen<P extends Person>(target: Target, person: P): Promise<P> {
  const mark = target.trace.length;
  await target.lab.database.query(
    `UPDATE sessions SET authenticated_at = now() - interval '3 hours' WHERE user_id = $1`,
    [person.id],
  );
  const tokens = await refresh(target, person.name, person.refreshToken);
  target.trace.length = mark;
  return { ...person, ...tokens };
}

export const thief = (target: Target, accessToken: string) =>
  target.stranger('thief').withToken(accessToken);

const factorsOf = async (target: Target, { id }: Person) =>
  (
    await target.lab.database.query(
      'SELECT FROM factors WHERE user_id = $1 AND confirmed_at IS NOT NULL',
      [id],
    )
  ).length;

/** With a token of the account, and whatever it takes to look fresh. */
async function reauthenticated(target: Target, ada: Person, more: object): Promise<string> {
  const { body } = await thief(target, ada.accessToken).post<{ accessToken?: string }>(
    '/v1/auth/reauthenticate',
    { password: ada.password, ...more },
  );
  return body.accessToken ?? '';
}

export const attacks: Attack[] = [
  {
    id: 'stepup-add-factor',
    title: 'Add your own authenticator app to Ada’s account with her stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await target.person('ada'));
      await enrol(thief(target, ada.accessToken), 'Mine');
      return (await factorsOf(target, ada)) > 0
        ? 'an account that asks for the thief’s codes'
        : null;
    },
  },
  {
    id: 'stepup-refresh-first',
    title: 'Refresh the stolen tokens first: the access token is new then',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await target.person('ada'));
      const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
      await enrol(thief(target, accessToken), 'Mine');
      return (await factorsOf(target, ada)) > 0
        ? 'an account that asks for the thief’s codes'
        : null;
    },
  },
  {
    id: 'stepup-remove-factor',
    title: 'Remove Ada’s second factor with her stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await withTotp(target, 'ada'));
      const path = `/v1/users/me/factors/${ada.factorId}`;
      await thief(target, ada.accessToken).delete(path);
      return (await factorsOf(target, ada)) === 0 ? 'an account with one factor less' : null;
    },
  },
  {
    id: 'stepup-recovery-codes',
    title: 'Make new recovery codes with Ada’s stolen access token',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await withTotp(target, 'ada'));
      const { body } = await thief(target, ada.accessToken).post<{ recoveryCodes?: string[] }>(
        '/v1/users/me/recovery-codes',
      );
      return body.recoveryCodes ? 'ten codes that stand in for Ada’s phone' : null;
    },
  },
  {
    id: 'stepup-promote',
    title: 'Become an administrator with an administrator’s stolen access token',
    needsLab: true,
    run: async (target) => {
      const root = await stolen(target, await administrator(target, 'root'));
      const mallory = await target.person('mallory');
      const path = `/v1/users/${mallory.id}/role`;
      const { body } = await thief(target, root.accessToken).put<{ role?: string }>(path, {
        role: 'admin',
      });
      return body.role === 'admin' ? 'an administrator of the thief’s own' : null;
    },
  },
  {
    id: 'stepup-password-only',
    title: 'Freshen a stolen session with Ada’s password alone, though she has a second factor',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await withTotp(target, 'ada'));
      const fresh = await reauthenticated(target, ada, {});
      return fresh ? 'a fresh session without the second factor' : null;
    },
  },
  {
    id: 'stepup-guess-codes',
    title:
      'Try codes where a session is freshened, with Ada’s password and a new address each time',
    needsLab: true,
    run: async (target) => {
      const ada = await stolen(target, await withTotp(target, 'ada'));
      const right = totpCode(ada.secret);
      let answered = 0;
      for (let number = 0; answered < ACCOUNT_TRIES && number <= ACCOUNT_TRIES; number += 1) {
        const code = String(200_000 + number);
        if (code === right) continue;
        const { body } = await thief(target, ada.accessToken).post<{ code?: string }>(
          '/v1/auth/reauthenticate',
          { password: ada.password, code },
        );
        if (body.code === 'wrong_code') answered += 1;
      }
      return answered === ACCOUNT_TRIES ? 'guesses without an end' : null;
    },
  },
];
