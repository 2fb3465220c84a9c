import { withNothingBehind } from '../26-row-level-security/controls.js';
import type { Edit, WrongFix } from '../engine/lesson.js';

const LISTS = 'src/resources/resource-lists.service.ts';

/** The DTO no longer asks which orders there are. */
export const ANY_SORT: Edit = {
  file: 'src/resources/resources.dto.ts',
  find: "@Choice({ of: SORTS, example: '-createdAt', optional: true, about: 'Newest first unless told.' })",
  replace: "@Text({ max: 2_000, example: '-createdAt', optional: true })",
};

export const wrongFixes: WrongFix[] = [
  {
    id: 'sql-word-filter',
    title: 'Refuse display names with "--", ";", UNION or DROP',
    why: 'A second row needs none of these words; a list of bad words is never complete.',
    change: {
      edits: [
        {
          file: 'src/users/credentials.service.ts',
          find: '${displayName}, ${passwordHash}, ${role})',
          replace:
            "${/^[^']*$|--|;|union|drop/i.test(user.displayName) ? displayName : () => `'${user.displayName}'`}, ${passwordHash}, ${role})",
        },
      ],
    },
    opens: ['sql-second-row'],
  },
  {
    id: 'sql-sort-without-spaces',
    title: 'Refuse sort fields with white space, quotes or semicolons',
    why: 'A comment separates words as well as a space does, and $$ quotes as well as an apostrophe.',
    change: withNothingBehind({
      edits: [
        ANY_SORT,
        {
          file: LISTS,
          find: 'OWN[sort][page]',
          replace:
            "(OWN[sort] ?? (/[\\s'\";]/.test(sort) ? OWN.title : statementsOf(sort, 'ASC')))[page]",
        },
      ],
    }),
    opens: ['sql-sort-compact'],
  },
  {
    id: 'like-escape-without-backslash',
    title: 'Escape "%" and "_" and forget the backslash',
    why: 'The client’s backslash escapes ours, and the wildcard behind it is one again.',
    change: {
      edits: [{ file: LISTS, find: String.raw`replace(/[\\%_]/g, `, replace: 'replace(/[%_]/g, ' }],
    },
    opens: ['like-backslash'],
  },
  {
    id: 'advice-bound-values-only',
    title: 'The common advice: bind the values, and be done',
    why: 'Column names cannot be bound, wildcards are part of a bound value, and a bound id is still anybody’s id.',
    change: withNothingBehind({
      edits: [
        ANY_SORT,
        {
          file: LISTS,
          find: 'OWN[sort][page]',
          replace: "(OWN[sort] ?? statementsOf(sort, 'ASC'))[page]",
        },
        { file: LISTS, find: '`%${escapeLike(title)}%`', replace: '`%${title}%`' },
        {
          file: 'src/resources/resources.service.ts',
          find: 'WHERE resources.id = $2 AND ${asFirst(MAY_READ)}`',
          replace: 'WHERE resources.id = $2 AND $1::uuid IS NOT NULL`',
        },
      ],
    }),
    opens: ['sql-sort-oracle', 'sql-sort-compact', 'like-wildcard', 'like-backslash', 'bola-read'],
  },
];
