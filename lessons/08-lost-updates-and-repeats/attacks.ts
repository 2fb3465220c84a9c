import { randomUUID } from 'node:crypto';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

interface Resource {
  id: string;
  content: string;
  version: number;
}
interface List {
  items: { id: string; ownerId: string; permission?: string }[];
}

const AT_ONCE = 10;
const ROUNDS = 3;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_none, index) => make(index));

/** Bob may write Ada's resource, and both have read its first version. */
async function adaAndBob(target: Target) {
  const [ada, bob] = [await target.person('ada'), await target.person('bob')];
  const { id } = await target.resource(ada);
  await share(ada, id, bob, 'write');
  return { ada, bob, id, path: `/v1/resources/${id}` };
}

const share = (owner: Person, id: string, { id: userId }: Person, permission: 'read' | 'write') =>
  owner.client.put(`/v1/resources/${id}/shares/${userId}`, { permission });

const write = ({ client }: Person, path: string, content: string, ifMatch?: string) =>
  client.patch<Resource>(path, { content }, ifMatch === undefined ? {} : { 'if-match': ifMatch });

const BOBS = 'a week of Bob’s work';

/** Bob writes, then Ada writes without having seen it. */
async function overwriteBob(target: Target, ifMatch: (string | undefined)[]): Promise<Loot> {
  const { ada, bob, path } = await adaAndBob(target);
  await write(bob, path, BOBS, '"1"');
  for (const tag of ifMatch) await write(ada, path, 'a typo mended', tag);
  const { body } = await ada.client.get<Resource>(path);
  return body.content === BOBS ? null : 'Bob’s change is gone, and nobody was told';
}

const updates: Attack[] = [
  {
    id: 'update-stale',
    title: 'Write over a change that you have not seen',
    run: (target) => overwriteBob(target, ['"1"']),
  },
  {
    id: 'update-blind',
    title: 'Write without saying which version you have read, or say "any"',
    run: (target) => overwriteBob(target, [undefined, '*', 'W/"2"', '"1", "2"']),
  },
  {
    id: 'update-race',
    title: 'Ten write the same version at the same moment',
    run: async (target) => {
      const { ada, path } = await adaAndBob(target);
      for (let version = 1; version <= ROUNDS; version += 1) {
        const answers = await Promise.all(
          times(AT_ONCE, (index) => write(ada, path, `of writer ${index}`, `"${version}"`)),
        );
        const written = answers.filter(({ status }) => status === 200).length;
        if (written > 1) return 'several writers of one version were all told that they had won';
      }
      return null;
    },
  },
  {
    id: 'delete-stale',
    title: 'Delete the version that you read, after somebody has changed it',
    run: async (target) => {
      const { ada, bob, path } = await adaAndBob(target);
      await write(bob, path, BOBS, '"1"');
      await ada.client.delete(path, undefined, { 'if-match': '"1"' });
      const { status } = await bob.client.get(path);
      return status === 404 ? 'Bob’s change is deleted by somebody who never saw it' : null;
    },
  },
];

const ORDER = { title: 'one order', content: '100 pieces' };

const create = ({ client }: Person, key: string, fields: object = ORDER) =>
  client.post<Partial<Resource>>('/v1/resources', fields, { 'idempotency-key': key });

async function countOf({ client, id }: Person): Promise<number> {
  const { body } = await client.get<List>('/v1/resources?limit=100');
  return body.items.filter(({ ownerId }) => ownerId === id).length;
}

const repeats: Attack[] = [
  {
    id: 'repeat-again',
    title: 'The answer was lost, so the client sends its order again',
    run: async (target) => {
      const [ada, key] = [await target.person('ada'), randomUUID()];
      await create(ada, key);
      await create(ada, key);
      return (await countOf(ada)) > 1 ? 'one order, carried out twice' : null;
    },
  },
  {
    id: 'repeat-race',
    title: 'An impatient client sends its order ten times at once',
    run: async (target) => {
      const ada = await target.person('ada');
      for (let round = 1; round <= ROUNDS; round += 1) {
        const key = randomUUID();
        await Promise.all(times(AT_ONCE, () => create(ada, key)));
        if ((await countOf(ada)) > round) return 'one order, carried out several times';
      }
      return null;
    },
  },
  {
    id: 'repeat-other',
    title: 'Another order under a key that was used: who notices that it was swallowed?',
    run: async (target) => {
      const [ada, key] = [await target.person('ada'), randomUUID()];
      await create(ada, key);
      const { status } = await create(ada, key, { ...ORDER, content: '900 pieces' });
      return status === 201 && (await countOf(ada)) === 1
        ? 'a second order, confirmed and never carried out'
        : null;
    },
  },
];

async function sharesOf({ client }: Person, id: string): Promise<List['items']> {
  const { body } = await client.get<List>('/v1/resources/shared-with-me');
  return body.items.filter((item) => item.id === id);
}

const shares: Attack[] = [
  {
    id: 'share-outlives-its-change',
    title: 'Keep writing after the owner has changed your share to reading',
    run: async (target) => {
      const { ada, bob, id, path } = await adaAndBob(target);
      await ada.client.put(`${path}/shares/${bob.id}`, { permission: 'read' });
      await write(bob, path, 'written by a reader', '"1"');
      const { body } = await ada.client.get<Resource>(path);
      const kept = (await sharesOf(bob, id)).some(({ permission }) => permission === 'write');
      return kept && body.content === 'written by a reader'
        ? 'a reader’s writing in Ada’s resource'
        : null;
    },
  },
  {
    id: 'share-race',
    title: 'Share ten times at once, and count how often Bob has it',
    run: async (target) => {
      const [ada, bob] = [await target.person('ada'), await target.person('bob')];
      const { id } = await target.resource(ada);
      await Promise.all(
        times(AT_ONCE, (index) => share(ada, id, bob, index % 2 ? 'read' : 'write')),
      );
      return (await sharesOf(bob, id)).length > 1
        ? 'several shares for one person, with two permissions'
        : null;
    },
  },
];

export const attacks: Attack[] = [...updates, ...repeats, ...shares];
