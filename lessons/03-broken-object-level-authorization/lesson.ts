import type { Lesson } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

const ACCESS = 'src/resources/resource-access.ts';

interface Resource {
  id: string;
  content: string;
  title: string;
}

/** Ada keeps a secret; Eve knows its id, which was never a secret. */
async function adaAndEve(target: Target) {
  const [ada, eve] = [await target.person('ada'), await target.person('eve')];
  const { id } = await target.resource(ada);
  return { ada, eve, path: `/v1/resources/${id}` };
}

export const lesson: Lesson = {
  folder: '03-broken-object-level-authorization',
  title: 'Broken object level authorization',
  claim:
    'Knowing the id of somebody else’s resource gives nothing: not a read, not a change, not a deletion.',
  asvs: ['8.2.2', '8.3.1'],
  api: ['API1:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const { id } = await target.resource(ada);
    const { status } = await ada.client.get(`/v1/resources/${id}`);
    if (status !== 200) throw new Error('the owner cannot read');
  },
  attacks: [
    {
      id: 'bola-read',
      title: 'Read another’s resource by its id',
      run: async (target) => {
        const { eve, path } = await adaAndEve(target);
        const { body } = await eve.client.get<Resource>(path);
        return body.content === 'secret of ada' ? 'the content of Ada’s resource' : null;
      },
    },
  ],
  controls: [
    {
      id: 'bola-read-predicate',
      title: 'The reader stands in the WHERE of the read',
      file: ACCESS,
      removal: {
        edits: [
          {
            file: ACCESS,
            find: 'export const MAY_READ = `(resources.owner_id = :actor OR EXISTS (',
            replace: 'export const MAY_READ = `(TRUE OR resources.owner_id = :actor OR EXISTS (',
          },
        ],
      },
      opens: ['bola-read'],
    },
  ],
  wrongFixes: [],
};
