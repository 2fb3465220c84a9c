import { decodeJwt } from 'jose';
import { jobsOf } from '../../test/support/jobs.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { opensProfile, root, signInAgain } from './people.js';

interface Session {
  id: string;
  network: string | null;
}

const OWN = '/v1/users/me/sessions';
const sessionOf = (person: Person) => decodeJwt<{ sid: string }>(person.accessToken).sid;
const sessionsOf = ({ client }: Person) => client.get<{ items?: Session[] }>(`${OWN}?limit=100`);

const ends: Attack[] = [
  {
    id: 'revoke-one',
    title: 'Stay signed in on the phone that its owner has crossed off the list',
    run: async (target) => {
      const ada = await target.person('ada');
      const phone = await signInAgain(target, ada);
      await ada.client.delete(`${OWN}/${sessionOf(phone)}`);
      return (await opensProfile(target, ada, phone.accessToken)) ? 'Ada’s profile' : null;
    },
  },
  {
    id: 'revoke-by-administrator',
    title: 'Stay signed in after an administrator has ended the sessions of your victim',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await (await root(target)).client.delete(`/v1/users/${ada.id}/sessions`);
      return (await opensProfile(target, ada, ada.accessToken)) ? 'Ada’s profile' : null;
    },
  },
];

const foreign: Attack[] = [
  {
    id: 'session-foreign-end',
    title: 'End the session of somebody whose session’s id you have seen',
    run: async (target) => {
      const [ada, mallory] = [await target.person('ada'), await target.person('mallory')];
      await mallory.client.delete(`${OWN}/${sessionOf(ada)}`);
      const { status } = await ada.client.get('/v1/users/me');
      return status === 401 ? 'Ada, signed out' : null;
    },
  },
  {
    id: 'session-foreign-list',
    title: 'Find the sessions of others in your own list',
    run: async (target) => {
      const [mallory, ada] = [await target.person('mallory'), await target.person('ada')];
      const { body } = await sessionsOf(mallory);
      const found = body.items?.some(({ id }) => id === sessionOf(ada));
      return found ? 'where Ada signed in, and with what' : null;
    },
  },
  {
    id: 'session-whole-address',
    title: 'Learn with a stolen token at which address its owner lives',
    run: async (target) => {
      const ada = await target.person('ada');
      const { email, password } = ada;
      await target.stranger('ada', ada.client.ip).post('/v1/auth/login', { email, password });
      const { text } = await sessionsOf({ ...ada, client: thief(target, ada) });
      return text.includes(ada.client.ip) ? 'Ada’s address' : null;
    },
  },
];

const thief = (target: Target, { accessToken }: Person) =>
  target.stranger('thief').withToken(accessToken);

/** What waits in the queue for Ada: the lab’s mail server is never there. */
async function isTold(target: Target, { email }: Person): Promise<boolean> {
  const mails = await jobsOf(target.lab.database, email);
  return mails.some(({ data }) => data.template === 'newDevice');
}

async function signInWith(target: Target, userAgent: string): Promise<Loot> {
  const ada = await target.person('ada');
  const { email, password } = ada;
  const headers = { 'user-agent': userAgent };
  const body = { email, password };
  const answer = await target
    .stranger('thief')
    .post<{ accessToken?: string }>('/v1/auth/login', body, headers);
  if (!answer.body.accessToken || (await isTold(target, ada))) return null;
  return 'a sign-in that Ada never heard of';
}

/** What this process calls itself, and so does Ada. */
const THE_SAME = 'node';

const unnoticed: Attack[] = [
  {
    id: 'notice-stolen-password',
    title: 'Sign in with a stolen password, from elsewhere, and hope that nobody notices',
    needsLab: true,
    run: (target) => signInWith(target, 'curl/8.14.1'),
  },
  {
    id: 'notice-same-device',
    title: 'The same, as the browser that the owner has',
    needsLab: true,
    run: (target) => signInWith(target, THE_SAME),
  },
];

export const sessionAttacks: Attack[] = [...ends, ...foreign, ...unnoticed];
