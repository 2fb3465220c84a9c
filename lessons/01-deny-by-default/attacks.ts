import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { actingFor, rawHeader, rawRoute, undeclaredRoute } from './scenarios.js';

interface Profile {
  id: string;
  email: string;
}

interface Page {
  items?: Profile[];
}

const people = (target: Target) => Promise.all([target.person('ada'), target.person('eve')]);

/** Ada’s address, for whoever has no right to it. */
async function showsAda(ada: Person, answer: Promise<{ body: Partial<Profile> }>) {
  const { body } = await answer;
  return body.email === ada.email;
}

export const attacks: Attack[] = [
  {
    id: 'deny-stranger',
    title: 'Read a user without any token',
    run: async (target) => {
      const ada = await target.person('ada');
      const answer = target.stranger().get<Partial<Profile>>(`/v1/users/${ada.id}`);
      return (await showsAda(ada, answer)) ? 'Ada’s address, for a stranger' : null;
    },
  },
  {
    id: 'deny-undeclared-route',
    title: 'Call a route of which nobody said who may call it',
    scenario: { edits: undeclaredRoute, refusal: /does not say who may call it/ },
    run: async (target) => {
      const [ada, eve] = await people(target);
      const { body } = await eve.client.get<Page>('/v1/users/newest');
      return body.items?.some(({ id }) => id === ada.id) ? 'everybody’s address' : null;
    },
  },
  {
    id: 'deny-raw-route',
    title: 'Call a route that stands beside every guard',
    scenario: { edits: rawRoute, refusal: /stands outside of every controller/ },
    run: async (target) => {
      const ada = await target.person('ada');
      const { id } = await target.resource(ada);
      await target.stranger().delete(`/internal/resources/${id}`);
      const { body } = await ada.client.get<{ items?: unknown[] }>('/v1/resources');
      return id && body.items?.length === 0 ? 'Ada’s resource, destroyed by a stranger' : null;
    },
  },
  {
    id: 'deny-raw-header',
    title: 'Be whom a header names',
    scenario: { edits: rawHeader, refusal: /takes the raw request, headers/ },
    run: async (target) => {
      const [ada, eve] = await people(target);
      const headers = { 'x-user-id': ada.id };
      const answer = eve.client.get<Partial<Profile>>('/v1/users/me/by-gateway', headers);
      return (await showsAda(ada, answer)) ? 'Ada’s profile, for a header' : null;
    },
  },
  {
    id: 'deny-acting-for',
    title: 'Slip an input to a route that declares none',
    scenario: { edits: actingFor },
    run: async (target) => {
      const [ada, eve] = await people(target);
      const answer = eve.client.get<Partial<Profile>>(`/v1/users/me?as=${ada.id}`);
      if (await showsAda(ada, answer)) return 'Ada’s profile, by the query';
      await eve.client.post('/v1/auth/logout-everywhere', { as: ada.id });
      const after = ada.client.get<Partial<Profile>>('/v1/users/me');
      return (await showsAda(ada, after)) ? null : 'the end of Ada’s sessions, by the body';
    },
  },
];
