import type { Control, Edit } from '../engine/lesson.js';

export const ACCESS = 'src/resources/resource-access.ts';
export const RESOURCES = 'src/resources/resources.service.ts';
export const SHARES = 'src/resources/shares.service.ts';
export const LISTS = 'src/resources/resource-lists.service.ts';
export const CURSORS = 'src/http/cursors.ts';

/** The places in the source that removals and wrong fixes change. */
export const IN_CHANGE = '.andWhere(MAY_WRITE, { actor: actor.userId })';
export const IN_REMOVE = '.andWhere(IS_OWNER, { actor: actor.userId })';
export const IN_SHARE = 'WHERE id = ${id} AND owner_id = ${actor.userId}\n        ON CONFLICT';
export const IN_END = `AND (
        user_id = \${actor.userId}
        OR EXISTS (SELECT FROM resources WHERE id = resource_id AND owner_id = \${actor.userId}))`;
export const IN_LIST = '[asFirst(IS_OWNER), ...conditions]';

/** The next page is that of whom the cursor names: the developer saves a look at the token. */
export const ownerInCursor: Edit[] = [
  {
    file: LISTS,
    find: 'const place = valuesOf(this.cursors.read(cursor, list));\n    const page =',
    replace: `const continued = this.cursors.read(cursor, list) as (Place & { owner: string }) | undefined;
    const place = valuesOf(continued);
    const page =`,
  },
  {
    file: LISTS,
    find: 'const values = [actor.userId, rowsToRead(limit), ...place, ...filters];',
    replace:
      'const values = [continued?.owner ?? actor.userId, rowsToRead(limit), ...place, ...filters];',
  },
  {
    file: LISTS,
    find: '      id: row.id,\n',
    replace: '      id: row.id,\n      owner: row.ownerId,\n',
  },
];

export const controls: Control[] = [
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
    opens: [],
  },
  {
    id: 'bola-change-predicate',
    title: 'The writer stands in the WHERE of the change',
    file: RESOURCES,
    removal: { edits: [{ file: RESOURCES, find: `\n        ${IN_CHANGE}`, replace: '' }] },
    opens: [],
  },
  {
    id: 'bola-delete-predicate',
    title: 'The owner stands in the WHERE of the deletion',
    file: RESOURCES,
    removal: { edits: [{ file: RESOURCES, find: `\n      ${IN_REMOVE}`, replace: '' }] },
    opens: [],
  },
  {
    id: 'bola-share-predicate',
    title: 'Only the owner’s resource yields the row that is shared',
    file: SHARES,
    removal: {
      edits: [{ file: SHARES, find: IN_SHARE, replace: 'WHERE id = ${id}\n        ON CONFLICT' }],
    },
    opens: [],
  },
  {
    id: 'bola-end-share-predicate',
    title: 'Only the two whom a share concerns can end it',
    file: SHARES,
    removal: { edits: [{ file: SHARES, find: ` ${IN_END}`, replace: '' }] },
    opens: [],
  },
  {
    id: 'bola-list-shares-predicate',
    title: 'The owner stands in the WHERE of the list of shares',
    file: SHARES,
    removal: {
      edits: [
        { file: SHARES, find: '\n      .andWhere(IS_OWNER, { actor: actor.userId })', replace: '' },
      ],
    },
    opens: [],
  },
  {
    id: 'bola-list-predicate',
    title: 'The owner stands in the WHERE of every list of resources',
    file: LISTS,
    removal: {
      edits: [{ file: LISTS, find: IN_LIST, replace: "['$1::uuid IS NOT NULL', ...conditions]" }],
    },
    opens: [],
  },
  {
    id: 'bola-list-shared-predicate',
    title: 'The receiver stands in the WHERE of the list of what is shared',
    file: LISTS,
    removal: {
      edits: [{ file: LISTS, find: "'share.user_id = $1'", replace: "'$1::uuid IS NOT NULL'" }],
    },
    opens: [],
  },
  {
    id: 'bola-cursor-is-a-place',
    title: 'A cursor says where to go on, never in whose list',
    file: LISTS,
    removal: { edits: ownerInCursor },
    opens: [],
  },
  {
    id: 'bola-cursor-binding',
    title: 'A cursor is signed together with the list that it was made for',
    file: CURSORS,
    removal: {
      edits: [
        {
          file: CURSORS,
          find: ' || !timingSafeEqual(given, expected)',
          replace: '',
        },
      ],
    },
    opens: [],
  },
];
