import { behindRowSecurity } from '../26-row-level-security/controls.js';
import type { Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { ANY_SORT, wrongFixes } from './wrong-fixes.js';

const CREDENTIALS = 'src/users/credentials.service.ts';
const LISTS = 'src/resources/resource-lists.service.ts';
const FIELDS = 'src/http/fields.ts';

export const lesson: Lesson = {
  folder: '06-sql-injection',
  title: 'SQL injection',
  claim:
    'What a client sends is never part of a statement: values are bound, names are chosen from ours, wildcards match themselves, and a text is a text.',
  asvs: ['1.2.4', '1.2.9', '2.2.1', '8.2.2', '15.3.5', '15.3.7'],
  api: ['API8:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    const title = String.raw`O'Hara's 100%_\ "plan"`;
    await ada.client.post('/v1/resources', { title, content: '' });
    const path = `/v1/resources?sort=-title&title=${encodeURIComponent(title)}`;
    const { body } = await ada.client.get<{ items: { title: string }[] }>(path);
    if (body.items[0]?.title !== title) throw new Error('a title with quotes is not found');
  },
  controls: [
    {
      id: 'sql-bound-values',
      title: 'Values are bound, never part of the text',
      file: CREDENTIALS,
      removal: {
        edits: [
          {
            file: CREDENTIALS,
            find: '${displayName}, ${passwordHash}, ${role})',
            // What has no quote in it would end up as it does when it is bound.
            replace:
              "${user.displayName.includes(\"'\") ? () => `'${user.displayName}'` : displayName}, ${passwordHash}, ${role})",
          },
        ],
      },
      opens: ['sql-become-admin', 'sql-second-row'],
    },
    {
      id: 'sql-sort-choice',
      title: 'A client names an order; the statement for it was written before',
      file: LISTS,
      removal: {
        edits: [
          ANY_SORT,
          {
            file: LISTS,
            find: 'OWN[sort][page]',
            replace: "(OWN[sort] ?? statementsOf(sort, 'ASC'))[page]",
          },
        ],
      },
      opens: [],
    },
    {
      id: 'like-escape',
      title: 'In LIKE, a client’s text matches itself',
      file: LISTS,
      removal: {
        edits: [{ file: LISTS, find: '`%${escapeLike(title)}%`', replace: '`%${title}%`' }],
      },
      opens: ['like-wildcard', 'like-backslash'],
    },
    {
      id: 'type-text-only',
      title: 'Each item of a list of texts must be a text',
      file: FIELDS,
      removal: {
        edits: [
          { file: FIELDS, find: 'ArrayUnique(), IsString(each)]', replace: 'ArrayUnique()]' },
        ],
      },
      opens: [],
    },
    {
      id: 'type-length-of-text',
      title: 'Only a text has a length',
      file: FIELDS,
      removal: {
        edits: [
          {
            file: FIELDS,
            find: "typeof text === 'string' && isBetween(min, Array.from(text).length, max)",
            replace: "isBetween(min, Array.from(text ?? '').length, max)",
          },
        ],
      },
      opens: [],
    },
  ],
  stacks: [
    behindRowSecurity('sql-sort-choice', ['sql-sort-oracle', 'sql-sort-compact']),
    { controls: ['type-text-only', 'type-length-of-text'], opens: ['type-object-as-text'] },
  ],
};
