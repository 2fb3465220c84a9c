import { withNothingBehind } from '../26-row-level-security/controls.js';
import type { WrongFix } from '../engine/lesson.js';
import {
  ACCESS,
  CURSORS,
  IN_CHANGE,
  IN_END,
  IN_REMOVE,
  IN_SHARE,
  LISTS,
  ownerInCursor,
  RESOURCES,
  SHARES,
} from './controls.js';

const MY_SHARE = `EXISTS (SELECT FROM resource_shares mine
          WHERE mine.resource_id = RESOURCE AND mine.user_id = \${actor.userId})`;

const one = (file: string, find: string, replace: string) => ({
  edits: [{ file, find, replace }],
});

export const wrongFixes: WrongFix[] = [
  {
    id: 'bola-any-share',
    title: 'Ask whether the resource is shared',
    why: 'It is shared, but with somebody else: the caller must stand in the condition.',
    change: withNothingBehind(one(ACCESS, ' AND share.user_id = :actor AND $', ' AND $')),
    opens: ['bola-read-anothers-share'],
  },
  {
    id: 'bola-look-then-change',
    title: 'Look the resource up as the caller, then change it by its id',
    why: 'The look-up asks whether he may read; the statement that writes asks nothing.',
    change: withNothingBehind({
      edits: [
        {
          file: RESOURCES,
          find: '    const changed = await',
          replace: '    await this.get(actor, id);\n    const changed = await',
        },
        { file: RESOURCES, find: `\n        ${IN_CHANGE}`, replace: '' },
      ],
    }),
    opens: ['bola-change-as-reader'],
  },
  {
    id: 'bola-write-means-delete',
    title: 'Let deletion ask what change asks',
    why: 'Who may write was not trusted to destroy: each operation has a predicate of its own.',
    change: withNothingBehind(
      one(RESOURCES, IN_REMOVE, '.andWhere(MAY_WRITE, { actor: actor.userId })'),
    ),
    opens: ['bola-delete-as-writer'],
  },
  {
    id: 'bola-readers-share',
    title: 'Let everybody share who can see the resource',
    why: 'A reader gives an accomplice the right to write, which he does not have himself.',
    change: withNothingBehind(
      one(
        SHARES,
        IN_SHARE,
        IN_SHARE.replace(
          'owner_id = ${actor.userId}',
          `(owner_id = \${actor.userId} OR ${MY_SHARE.replace('RESOURCE', 'resources.id')})`,
        ),
      ),
    ),
    opens: ['bola-share-as-reader'],
  },
  {
    id: 'bola-readers-end-shares',
    title: 'Ask only whether the caller has to do with the resource',
    why: 'A fellow reader has to do with it, and not with this share.',
    change: withNothingBehind(
      one(
        SHARES,
        IN_END,
        IN_END.replace(
          /\)$/,
          `\n        OR ${MY_SHARE.replace('RESOURCE', 'resource_shares.resource_id')})`,
        ),
      ),
    ),
    opens: ['bola-end-share-as-fellow'],
  },
  {
    id: 'bola-owner-on-first-page',
    title: 'Check the first page and trust the cursor for the rest',
    why: 'The second page is another statement, and a cursor is a place in everybody’s rows.',
    change: withNothingBehind(
      one(
        LISTS,
        '    next: select(after),\n    firstMatching',
        "    next: select(after).replace(asFirst(IS_OWNER), '$1::uuid IS NOT NULL'),\n    firstMatching",
      ),
    ),
    opens: ['bola-list-next'],
  },
  {
    id: 'bola-or-without-parentheses',
    title: 'Add a filter with OR after the owner',
    why: 'AND binds tighter than OR: who matches the title needs no owner any more.',
    change: withNothingBehind(
      one(
        LISTS,
        'AND (${title}::text IS NULL OR resources.title ILIKE ${title})`',
        'AND ${title}::text IS NULL OR resources.title ILIKE ${title}`',
      ),
    ),
    opens: ['bola-list-filtered'],
  },
  {
    id: 'bola-signed-not-bound',
    title: 'Keep the owner in the cursor and sign the cursor alone',
    why: 'Nobody can edit it, but anybody to whom it is passed on can use it.',
    change: withNothingBehind({
      edits: [
        ...ownerInCursor,
        { file: CURSORS, find: 'JSON.stringify([body, list])', replace: 'JSON.stringify([body])' },
      ],
    }),
    opens: ['bola-cursor-carried'],
  },
];
