import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { administrator, listsUsers, opensProfile, refresh, root, signInAgain } from './people.js';

const NEWS_TRIES = 40;
const NEWS_MS = 25;

const logOut = (person: Person) => person.client.post('/v1/auth/logout');

/** The order of P-256: (r, s) and (r, order - s) are two signatures of the same text. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function otherSpelling(token: string): string {
  const [header, claims, signed = ''] = token.split('.');
  const hex = Buffer.from(signed, 'base64url').toString('hex');
  const s = (ORDER - BigInt(`0x${hex.slice(64)}`)).toString(16).padStart(64, '0');
  const twin = Buffer.from(hex.slice(0, 64) + s, 'hex').toString('base64url');
  return `${header}.${claims}.${twin}`;
}

const logOuts: Attack[] = [
  {
    id: 'revoke-logout',
    title: 'Use an access token after its owner has logged out',
    run: async (target) => {
      const ada = await target.person('ada');
      await logOut(ada);
      return (await opensProfile(target, ada, ada.accessToken)) ? 'Ada’s profile' : null;
    },
  },
  {
    id: 'revoke-logout-older',
    title: 'Use another access token of the session that was logged out',
    run: async (target) => {
      const ada = await target.person('ada');
      const newer = await refresh(target, 'ada', ada.refreshToken);
      await logOut({ ...ada, client: ada.client.withToken(newer.accessToken) });
      return (await opensProfile(target, ada, ada.accessToken)) ? 'Ada’s profile' : null;
    },
  },
  {
    id: 'revoke-logout-respelled',
    title: 'Use the same access token with its signature written in the other valid way',
    run: async (target) => {
      const ada = await target.person('ada');
      await logOut(ada);
      const token = otherSpelling(ada.accessToken);
      return (await opensProfile(target, ada, token)) ? 'Ada’s profile' : null;
    },
  },
  {
    id: 'revoke-logout-refresh',
    title: 'Refresh after the log-out',
    run: async (target) => {
      const ada = await target.person('ada');
      await logOut(ada);
      const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
      return (await opensProfile(target, ada, accessToken)) ? 'Ada’s session' : null;
    },
  },
  {
    id: 'revoke-everywhere',
    title: 'Stay signed in on the stolen phone after "log out everywhere"',
    run: async (target) => {
      const ada = await target.person('ada');
      const phone = await signInAgain(target, ada);
      await ada.client.post('/v1/auth/logout-everywhere');
      return (await opensProfile(target, ada, phone.accessToken)) ? 'Ada’s profile' : null;
    },
  },
];

async function changePassword(target: Target) {
  const ada = await target.person('ada');
  const thief = await signInAgain(target, ada);
  const change = { currentPassword: ada.password, newPassword: `${ada.password} anew` };
  await ada.client.put('/v1/users/me/password', change);
  return { ada, thief };
}

const passwords: Attack[] = [
  {
    id: 'revoke-password',
    title: 'Stay signed in after the owner has changed the password',
    run: async (target) => {
      const { ada, thief } = await changePassword(target);
      return (await opensProfile(target, ada, thief.accessToken)) ? 'Ada’s profile' : null;
    },
  },
  {
    id: 'revoke-password-refresh',
    title: 'Refresh after the owner has changed the password',
    run: async (target) => {
      const { ada, thief } = await changePassword(target);
      const { accessToken } = await refresh(target, 'thief', thief.refreshToken);
      return (await opensProfile(target, ada, accessToken)) ? 'Ada’s session' : null;
    },
  },
];

async function disabled(target: Target): Promise<Person> {
  const mallory = await target.person('mallory');
  await (await root(target)).client.post(`/v1/users/${mallory.id}/disable`);
  return mallory;
}

/** Nobody waited for the news of what happened in the database: it has this long to arrive. */
async function stillLists(target: Target, token: string, email: string): Promise<boolean> {
  const mark = target.trace.length;
  for (let tries = 0; tries < NEWS_TRIES; tries += 1) {
    target.trace.length = mark;
    if (!(await listsUsers(target, token, email))) return false;
    await sleep(NEWS_MS);
  }
  return true;
}

const authority: Attack[] = [
  {
    id: 'revoke-disable',
    title: 'Go on after your account was disabled',
    needsLab: true,
    run: async (target) => {
      const mallory = await disabled(target);
      const works = await opensProfile(target, mallory, mallory.accessToken);
      return works ? 'the use of a disabled account' : null;
    },
  },
  {
    id: 'revoke-disable-refresh',
    title: 'Refresh after your account was disabled',
    needsLab: true,
    run: async (target) => {
      const mallory = await disabled(target);
      const { accessToken } = await refresh(target, 'mallory', mallory.refreshToken);
      const works = await opensProfile(target, mallory, accessToken);
      return works ? 'a new session on a disabled account' : null;
    },
  },
  {
    id: 'revoke-disable-login',
    title: 'Sign in to a disabled account',
    needsLab: true,
    run: async (target) => {
      const mallory = await disabled(target);
      const { accessToken } = await signInAgain(target, mallory);
      const works = await opensProfile(target, mallory, accessToken);
      return works ? 'a new session on a disabled account' : null;
    },
  },
  {
    id: 'revoke-demotion',
    title: 'Act as an administrator after your demotion',
    needsLab: true,
    run: async (target) => {
      const mallory = await administrator(target, 'mallory');
      const { client } = await root(target);
      await client.put(`/v1/users/${mallory.id}/role`, { role: 'user' });
      const works = await listsUsers(target, mallory.accessToken, mallory.email);
      return works ? 'the list of users, after the demotion' : null;
    },
  },
  {
    id: 'revoke-deletion',
    title: 'Act as an administrator who has left',
    needsLab: true,
    run: async (target) => {
      const { email } = await root(target);
      const mallory = await administrator(target, 'mallory');
      await mallory.client.delete('/v1/users/me', { currentPassword: mallory.password });
      const works = await listsUsers(target, mallory.accessToken, email);
      return works ? 'the list of users, for somebody who has left' : null;
    },
  },
  {
    id: 'revoke-deletion-by-hand',
    title: 'Act as an administrator whose account an operator deleted in the database',
    needsLab: true,
    run: async (target) => {
      const { email } = await root(target);
      const mallory = await administrator(target, 'mallory');
      await target.lab.database.query('DELETE FROM users WHERE id = $1', [mallory.id]);
      const works = await stillLists(target, mallory.accessToken, email);
      return works ? 'the list of users, for an account that is gone' : null;
    },
  },
];

export const attacks: Attack[] = [...logOuts, ...passwords, ...authority];
