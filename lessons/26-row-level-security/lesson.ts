import { adaBobAndEve, holdsSecret, share } from '../03-broken-object-level-authorization/cast.js';
import type { Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { controls } from './controls.js';

const wrongFixes: WrongFix[] = [
  {
    id: 'rls-read-policy',
    title: 'Write policies for reading: what nobody sees, nobody changes',
    why: 'A reader sees the row. What he may do to it needs a policy for each verb.',
    change: {
      sql: `CREATE POLICY changed ON resources FOR UPDATE USING (is_shared(id, owner_id, false));
        CREATE POLICY deleted ON resources FOR DELETE USING (is_shared(id, owner_id, false))`,
    },
    opens: ['rls-change-as-reader'],
  },
  {
    id: 'rls-known-callers',
    title: 'Set the actor where somebody has signed in',
    why: 'Nobody is a caller, too. Unset has to mean nothing, not everything.',
    change: {
      edits: [
        {
          file: 'src/http/request.hooks.ts',
          find: '(actor?.userId ?? NOBODY)',
          replace: '(actor?.userId ?? ACROSS_OWNERS)',
        },
      ],
    },
    opens: ['rls-nobody'],
  },
];

export const lesson: Lesson = {
  folder: '26-row-level-security',
  title: 'A second wall behind every statement',
  claim:
    'A statement that forgets whose rows it is about still finds nothing of anybody else’s, and nothing at all when nobody has signed in.',
  asvs: ['8.2.2', '13.2.2'],
  api: ['API1:2023'],
  attacks,
  controls,
  stacks: [{ controls: ['rls-every-statement', 'rls-one-transaction'], opens: ['rls-leftover'] }],
  wrongFixes,
  use: async (target) => {
    const { ada, bob, path } = await adaBobAndEve(target);
    await share(target, ada, path, [bob, 'write']);
    if (!holdsSecret(await bob.client.get(path))) throw new Error('a friend cannot read');
    const { status } = await bob.client.patch(path, { title: 'ours' }, { 'if-match': '"1"' });
    if (status !== 200) throw new Error('a friend cannot write');
  },
};
