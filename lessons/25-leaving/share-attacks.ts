import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

const SECRET = 'what Ada did not mean for good';

interface Shared {
  content?: string;
  items?: { id: string }[];
}

/** Ada shares something with Bob, and leaves. */
async function sharedAndLeft(target: Target, permission: 'read' | 'write') {
  const [ada, bob] = [await target.person('ada'), await target.person('bob')];
  const { id } = await target.resource(ada, SECRET);
  await ada.client.put(`/v1/resources/${id}/shares/${bob.id}`, { permission });
  await ada.client.delete('/v1/users/me', { currentPassword: ada.password });
  return { bob, id };
}

const shareAttack = (
  id: string,
  title: string,
  permission: 'read' | 'write',
  tryIt: (bob: Person, resourceId: string) => Promise<boolean>,
): Attack => ({
  id,
  title,
  run: async (target) => {
    const { bob, id: resourceId } = await sharedAndLeft(target, permission);
    return (await tryIt(bob, resourceId)) ? 'something of somebody who has left' : null;
  },
});

export const shareAttacks: Attack[] = [
  shareAttack('leave-share-read', 'Read what Ada shared, after she has left', 'read', (bob, id) =>
    bob.client.get<Shared>(`/v1/resources/${id}`).then(({ body }) => body.content === SECRET),
  ),
  shareAttack('leave-share-list', 'Find it in the list', 'read', (bob, id) =>
    bob.client
      .get<Shared>('/v1/resources/shared-with-me')
      .then(({ body }) => body.items?.some((item) => item.id === id) ?? false),
  ),
  shareAttack('leave-share-write', 'Write into it', 'write', (bob, id) =>
    bob.client
      .send<Shared>('PATCH', `/v1/resources/${id}`, { content: 'Bob’s' }, { 'if-match': '"1"' })
      .then(({ status }) => status === 200),
  ),
];
