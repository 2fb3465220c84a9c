import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { adaAndEve, type Page, type Resource } from './cast.js';

const list = async (who: Person, query = '') =>
  (await who.client.get<Page<Resource>>(`/v1/resources${query}`)).body;

const owned = (by: Person, { items = [] }: Page<Resource>) =>
  items.some(({ ownerId }) => ownerId === by.id);

/** Ada and Eve have two resources each, in turns; and each the cursor of her first page. */
async function inTurns(target: Target) {
  const { ada, eve } = await adaAndEve(target);
  for (const person of [eve, ada, eve]) await target.resource(person);
  const cursorOf = async (who: Person) => (await list(who, '?limit=1')).nextCursor ?? '';
  return { ada, eve, ofAda: await cursorOf(ada), ofEve: await cursorOf(eve) };
}

export const listAttacks: Attack[] = [
  {
    id: 'bola-list',
    title: 'Find others’ resources in one’s own list',
    run: async (target) => {
      const { ada, eve } = await adaAndEve(target);
      return owned(ada, await list(eve)) ? 'Ada’s resources in Eve’s list' : null;
    },
  },
  {
    id: 'bola-list-filtered',
    title: 'Find others’ resources by a word of their titles',
    run: async (target) => {
      const { ada, eve } = await adaAndEve(target);
      return owned(ada, await list(eve, '?title=plan')) ? 'Ada’s plan, found by its title' : null;
    },
  },
  {
    id: 'bola-list-next',
    title: 'Find others’ resources on the second page',
    run: async (target) => {
      const { ada, eve, ofEve } = await inTurns(target);
      const next = await list(eve, `?limit=100&cursor=${ofEve}`);
      return owned(ada, next) ? 'Ada’s resources on Eve’s second page' : null;
    },
  },
  {
    id: 'bola-cursor-carried',
    title: 'Go on with somebody else’s list from a cursor that was passed on',
    run: async (target) => {
      const { ada, eve, ofAda } = await inTurns(target);
      const next = await list(eve, `?limit=100&cursor=${ofAda}`);
      return owned(ada, next) ? 'the rest of Ada’s list' : null;
    },
  },
  {
    id: 'bola-cursor-forged',
    title: 'Put another’s id into one’s own cursor',
    run: async (target) => {
      const { ada, eve, ofEve } = await inTurns(target);
      const [place = '', mac = ''] = ofEve.split('.');
      const text = Buffer.from(place, 'base64url').toString();
      // A place names nobody: there is nothing to forge.
      if (!text.includes(eve.id)) return null;
      const edited = Buffer.from(text.replaceAll(eve.id, ada.id)).toString('base64url');
      const forged = `${edited}.${mac}`;
      const next = await list(eve, `?limit=100&cursor=${forged}`);
      return owned(ada, next) ? 'Ada’s list, for a forged cursor' : null;
    },
  },
];
