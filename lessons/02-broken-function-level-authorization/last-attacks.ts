import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import {
  administrator,
  countAdministrators,
  demoteEachOther,
  demoteEverybody,
} from './administrators.js';

/** The only administrator does something; the loot is an instance that nobody administers. */
const last = (id: string, title: string, act: (admin: Person) => Promise<unknown>): Attack => ({
  id,
  title,
  needsLab: true,
  run: async (target) => {
    await demoteEverybody(target);
    const admin = await administrator(target, 'root');
    await act(admin);
    const left = await countAdministrators(target, [admin]);
    return left === 0 ? 'a system that nobody can administer' : null;
  },
});

const administrators = (target: Target, ...names: string[]) =>
  Promise.all(names.map((name) => administrator(target, name)));

export const lastAttacks: Attack[] = [
  last('bfla-last-demoted', 'Demote the last administrator', ({ id, client }) =>
    client.put(`/v1/users/${id}/role`, { role: 'user' }),
  ),
  last('bfla-last-disabled', 'Disable the last administrator', ({ id, client }) =>
    client.post(`/v1/users/${id}/disable`),
  ),
  last('bfla-last-deleted', 'Delete the account of the last administrator', (admin) =>
    admin.client.delete('/v1/users/me', { currentPassword: admin.password }),
  ),
  {
    id: 'bfla-last-race',
    title: 'Let the last two administrators demote each other at the same time',
    needsLab: true,
    run: async (target) => {
      await demoteEverybody(target);
      const [one, two] = await administrators(target, 'one', 'two');
      if (!one || !two) return null;
      await demoteEachOther(target, one, two);
      const left = await countAdministrators(target, [one, two]);
      return left === 0 ? 'a system that nobody can administer' : null;
    },
  },
  {
    id: 'bfla-demoted-in-flight',
    title: 'Give an order that waits while one is demoted',
    needsLab: true,
    run: async (target) => {
      const [one, two] = await administrators(target, 'one', 'two', 'three');
      if (!one || !two) return null;
      await demoteEachOther(target, one, two);
      const left = await countAdministrators(target, [one, two]);
      return left === 0 ? 'an order carried out for somebody who was demoted' : null;
    },
  },
];
