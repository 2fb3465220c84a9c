import type { Attack } from '../engine/lesson.js';
import type { Person } from '../engine/target.js';
import { adaAndEve, adaBobAndEve, holdsSecret, share, type Page, type Resource } from './cast.js';

const GRAFFITI = 'eve was here';

async function scribble(who: Person, path: string): Promise<void> {
  await who.client.patch(path, { content: GRAFFITI }, { 'if-match': '"1"' });
}

/** What counts is what the owner finds afterwards, not what the intruder was told. */
async function isScribbled(owner: Person, path: string): Promise<boolean> {
  const { body } = await owner.client.get<Partial<Resource>>(path);
  return body.content === GRAFFITI;
}

async function isGone(owner: Person, id: string): Promise<boolean> {
  const { body } = await owner.client.get<Page<Resource>>('/v1/resources');
  return body.items !== undefined && !body.items.some((item) => item.id === id);
}

export const attacks: Attack[] = [
  {
    id: 'bola-read',
    title: 'Read another’s resource by its id',
    run: async (target) => {
      const { eve, path } = await adaAndEve(target);
      return holdsSecret(await eve.client.get(path)) ? 'the content of Ada’s resource' : null;
    },
  },
  {
    id: 'bola-read-after-share',
    title: 'Keep the id when a share has ended, and read on',
    run: async (target) => {
      const { ada, eve, path } = await adaAndEve(target);
      await share(target, ada, path, [eve, 'read']);
      await ada.client.delete(`${path}/shares/${eve.id}`);
      return holdsSecret(await eve.client.get(path)) ? 'what is no longer shared' : null;
    },
  },
  {
    id: 'bola-read-anothers-share',
    title: 'Read what its owner shares with somebody else',
    run: async (target) => {
      const { ada, bob, eve, path } = await adaBobAndEve(target);
      await share(target, ada, path, [bob, 'read']);
      return holdsSecret(await eve.client.get(path)) ? 'what Ada shares with Bob' : null;
    },
  },
  {
    id: 'bola-change',
    title: 'Change another’s resource by its id',
    run: async (target) => {
      const { ada, eve, path } = await adaAndEve(target);
      await scribble(eve, path);
      return (await isScribbled(ada, path)) ? 'Eve’s words in Ada’s resource' : null;
    },
  },
  {
    id: 'bola-change-as-reader',
    title: 'Write where one may only read',
    run: async (target) => {
      const { ada, eve, path } = await adaAndEve(target);
      await share(target, ada, path, [eve, 'read']);
      await scribble(eve, path);
      return (await isScribbled(ada, path)) ? 'a reader’s words in Ada’s resource' : null;
    },
  },
  {
    id: 'bola-delete',
    title: 'Delete another’s resource by its id',
    run: async (target) => {
      const { ada, eve, id, path } = await adaAndEve(target);
      await eve.client.delete(path);
      return (await isGone(ada, id)) ? 'Ada’s resource, destroyed' : null;
    },
  },
  {
    id: 'bola-delete-as-writer',
    title: 'Delete what one may only write',
    run: async (target) => {
      const { ada, eve, id, path } = await adaAndEve(target);
      await share(target, ada, path, [eve, 'write']);
      await eve.client.delete(path);
      return (await isGone(ada, id)) ? 'Ada’s resource, destroyed by a writer' : null;
    },
  },
];
