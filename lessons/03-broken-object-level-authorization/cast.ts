import type { Person, Target } from '../engine/target.js';

export interface Resource {
  id: string;
  ownerId: string;
  title: string;
  content: string;
}

export interface Page<Item> {
  items?: Item[];
  nextCursor?: string | null;
}

export const SECRET = 'secret of ada';

/** Ada keeps a secret; Eve knows its id, which was never a secret. */
export async function adaAndEve(target: Target) {
  const [ada, eve] = await Promise.all([target.person('ada'), target.person('eve')]);
  const { id } = await target.resource(ada, SECRET);
  return { ada, eve, id, path: `/v1/resources/${id}` };
}

/** The same, with somebody whom Ada trusts. */
export async function adaBobAndEve(target: Target) {
  const [scene, bob] = await Promise.all([adaAndEve(target), target.person('bob')]);
  return { ...scene, bob };
}

/** The owner lets somebody in. The trace leaves that out. */
export async function share(
  target: Target,
  owner: Person,
  path: string,
  [user, permission]: [user: Person, permission: 'read' | 'write'],
): Promise<void> {
  const mark = target.trace.length;
  await owner.client.put(`${path}/shares/${user.id}`, { permission });
  target.trace.length = mark;
}

/** Whether an answer holds what only Ada and her friends may know. */
export const holdsSecret = ({ text }: { text: string }) => text.includes(SECRET);
