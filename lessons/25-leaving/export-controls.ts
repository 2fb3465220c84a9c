import type { Control, Edit, Stack, WrongFix } from '../engine/lesson.js';

const DOWNLOADS = 'src/exports/export-downloads.service.ts';
const EXPORTS = 'src/exports/exports.service.ts';
const PAGES = 'src/exports/export-pages.ts';
const SERIALIZER = 'src/http/serializer.ts';

/** What somebody reads who takes all columns that he finds. */
const ALL_COLUMNS: Edit = {
  file: PAGES,
  find: 'expires_at AS "expiresAt", revoked_at AS "revokedAt"',
  replace: `expires_at AS "expiresAt", revoked_at AS "revokedAt",
           (SELECT token_hash::text FROM refresh_tokens
            WHERE session_id = sessions.id LIMIT 1) AS "tokenHash"`,
};
const WRITE_ITEM = 'yield before + JSON.stringify(write(item));';

export const exportControls: Control[] = [
  {
    id: 'export-own',
    title: 'The link is good for the one whose it is, signed in',
    file: DOWNLOADS,
    removal: {
      edits: [
        {
          file: DOWNLOADS,
          find: 'if (owner !== actor.userId) throw',
          replace: 'if (owner === undefined) throw',
        },
      ],
    },
    opens: [],
  },
  {
    id: 'export-once',
    title: 'A download spends the link, and one statement decides which one that is',
    file: DOWNLOADS,
    removal: {
      edits: [
        {
          file: DOWNLOADS,
          find: "await this.links.spend(tx, 'download_export', token);",
          replace: "(await this.links.find('download_export', token))?.id;",
        },
      ],
    },
    opens: ['export-twice', 'export-raced'],
  },
  {
    id: 'export-password',
    title: 'All there is at once takes the password',
    file: EXPORTS,
    removal: {
      edits: [
        {
          file: EXPORTS,
          find: '    await this.account.reauthenticate(actor, currentPassword, ip);\n',
          replace: '',
        },
      ],
    },
    opens: ['export-by-token'],
  },
  {
    id: 'export-columns',
    title: 'What is read is named, column by column',
    file: PAGES,
    removal: { edits: [ALL_COLUMNS] },
    opens: [],
  },
  {
    id: 'export-allow-list',
    title: 'A file passes the same allow-list as every answer, item by item',
    file: SERIALIZER,
    removal: {
      edits: [
        { file: SERIALIZER, find: WRITE_ITEM, replace: 'yield before + JSON.stringify(item);' },
      ],
    },
    opens: [],
  },
  {
    id: 'export-one-each',
    title: 'One copy a person: a constraint decides',
    file: 'migrations/0011-exports.sql',
    removal: {
      sql: 'ALTER TABLE exports DROP CONSTRAINT exports_one_each',
      edits: [{ file: EXPORTS, find: '        ON CONFLICT (user_id) DO NOTHING\n', replace: '' }],
    },
    opens: ['export-flood'],
  },
];

export const exportStacks: Stack[] = [
  { controls: ['export-columns', 'export-allow-list'], opens: ['export-hashes'] },
];

export const exportWrongFixes: WrongFix[] = [
  {
    id: 'export-take-out',
    title: 'Take out of each item what must not leave',
    why: 'Only what somebody thought of is taken out: the password’s hash was, the token’s was not.',
    change: {
      edits: [
        ALL_COLUMNS,
        {
          file: SERIALIZER,
          find: WRITE_ITEM,
          replace:
            'yield before + JSON.stringify({ ...(item as object), passwordHash: undefined });',
        },
      ],
    },
    opens: ['export-hashes'],
  },
];
