import type { Attack } from '../engine/lesson.js';
import type { Person } from '../engine/target.js';
import { adaBobAndEve, share, type Page, type Resource } from './cast.js';

interface Share {
  userId: string;
}

interface Shared extends Resource {
  permission: string;
}

const sharedPage = async (who: Person) =>
  (await who.client.get<Page<Shared>>('/v1/resources/shared-with-me?limit=100')).body.items;

const sharedWith = async (who: Person, id: string) =>
  (await sharedPage(who))?.find((item) => item.id === id);

const lost = async (who: Person, id: string) =>
  (await sharedPage(who))?.every((item) => item.id !== id) ?? false;

export const sharingAttacks: Attack[] = [
  {
    id: 'bola-share',
    title: 'Share another’s resource with an accomplice',
    run: async (target) => {
      const { eve, bob, id, path } = await adaBobAndEve(target);
      await eve.client.put(`${path}/shares/${bob.id}`, { permission: 'read' });
      return (await sharedWith(bob, id)) ? 'Ada’s resource, handed on' : null;
    },
  },
  {
    id: 'bola-share-as-reader',
    title: 'Read only, and give an accomplice the right to write',
    run: async (target) => {
      const { ada, eve, bob, id, path } = await adaBobAndEve(target);
      await share(target, ada, path, [eve, 'read']);
      await eve.client.put(`${path}/shares/${bob.id}`, { permission: 'write' });
      const mayWrite = (await sharedWith(bob, id))?.permission === 'write';
      return mayWrite ? 'the right to write, from a reader' : null;
    },
  },
  {
    id: 'bola-end-share',
    title: 'End a share between two others',
    run: async (target) => {
      const { ada, bob, eve, id, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      await eve.client.delete(`${path}/shares/${bob.id}`);
      return (await lost(bob, id)) ? 'Bob, locked out' : null;
    },
  },
  {
    id: 'bola-end-share-as-fellow',
    title: 'End the share of a fellow reader',
    run: async (target) => {
      const { ada, bob, eve, id, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      await share(target, ada, path, [eve, 'read']);
      await eve.client.delete(`${path}/shares/${bob.id}`);
      return (await lost(bob, id)) ? 'Bob, locked out by a reader' : null;
    },
  },
  {
    id: 'bola-list-shares',
    title: 'List with whom another shares',
    run: async (target) => {
      const { ada, bob, eve, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      const { body } = await eve.client.get<Page<Share>>(`${path}/shares`);
      return body.items?.some(({ userId }) => userId === bob.id) ? 'whom Ada trusts' : null;
    },
  },
  {
    id: 'bola-list-shared',
    title: 'See what is shared with somebody else',
    run: async (target) => {
      const { ada, bob, eve, id, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      return (await sharedWith(eve, id)) ? 'what Ada shares with Bob' : null;
    },
  },
  {
    id: 'bola-list-shares-as-reader',
    title: 'List who else may read',
    run: async (target) => {
      const { ada, bob, eve, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      await share(target, ada, path, [eve, 'read']);
      const { body } = await eve.client.get<Page<Share>>(`${path}/shares`);
      return body.items?.some(({ userId }) => userId === bob.id) ? 'who else reads' : null;
    },
  },
];
