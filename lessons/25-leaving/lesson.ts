import { behindRowSecurity, withNothingBehind } from '../26-row-level-security/controls.js';
import type { Change, Control, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { ask, download, exportAttacks } from './export-attacks.js';
import { exportControls, exportStacks, exportWrongFixes } from './export-controls.js';
import { ACCESS, DEPARTURE_UNDO, DEPARTURES, ERASURE, isIn, keep, leave } from './parts.js';
import { shareAttacks } from './share-attacks.js';

const AUTH = 'src/auth/auth.service.ts';
const USERS = 'src/users/users.service.ts';
const MOVE_LINKS = 'src/auth/email-links.service.ts';
const LISTS = 'src/resources/resource-lists.service.ts';

const edit = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

const controls: Control[] = [
  {
    id: 'leave-grace',
    title: 'The sweep waits until the time has come',
    file: ERASURE,
    removal: edit(ERASURE, 'WHERE delete_at <= now() AND', 'WHERE delete_at IS NOT NULL AND'),
    opens: ['leave-swept-early'],
  },
  {
    id: 'leave-once',
    title: 'One statement looks whether the account is leaving, and keeps it',
    file: DEPARTURE_UNDO,
    removal: edit(DEPARTURE_UNDO, 'WHERE delete_at > now() AND NOT', 'WHERE NOT'),
    opens: ['leave-raced'],
  },
  {
    id: 'leave-new-password',
    title: 'Who calls the account back sets a new password',
    file: DEPARTURE_UNDO,
    removal: edit(
      DEPARTURE_UNDO,
      'SET password_hash = ${newHash}, password_is_short = false,\n        disabled_at',
      'SET disabled_at',
    ),
    opens: ['leave-again'],
  },
  {
    id: 'leave-links-die',
    title: 'Whoever leaves or comes back leaves no open link behind',
    file: 'migrations/0010-leaving.sql',
    removal: { sql: 'DROP TRIGGER user_leaving_changed ON users' },
    opens: ['leave-old-link'],
  },
  {
    id: 'leave-told-to-owner',
    title: 'Only who knows the password hears that the account is about to go',
    file: AUTH,
    removal: edit(AUTH, 'if (known && matches && (await', 'if (known && (await'),
    opens: ['leave-told'],
  },
  {
    id: 'leave-hides-shares',
    title: 'What somebody shared who has left is there for nobody',
    file: ACCESS,
    removal: edit(ACCESS, "'NOT is_leaving(resources.owner_id)'", "'TRUE'"),
    opens: [],
  },
  {
    id: 'leave-no-escape',
    title: 'Who is disabled while leaving stays, disabled',
    file: USERS,
    removal: edit(
      USERS,
      `SET disabled_at = now(), delete_at = NULL
          WHERE id = \${userId} AND (disabled_at IS NULL OR delete_at IS NOT NULL) AND`,
      'SET disabled_at = now() WHERE id = ${userId} AND disabled_at IS NULL AND',
    ),
    opens: ['leave-escape'],
  },
  {
    id: 'leave-way-back',
    title: 'The way back from a change of address leads back from a deletion, too',
    file: MOVE_LINKS,
    removal: edit(
      MOVE_LINKS,
      '(u.disabled_at IS NULL OR u.delete_at > now())',
      'u.disabled_at IS NULL',
    ),
    opens: ['leave-moved', 'leave-moved-late'],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'leave-shorter-grace',
    title: 'Let a day be enough to think again',
    why: 'The way back from a change of address lasts a week: who moves the account and deletes it is quicker.',
    change: edit(DEPARTURES, 'GRACE_DAYS = UNDO_DAYS;', 'GRACE_DAYS = UNDO_DAYS / 7;'),
    opens: ['leave-moved-late'],
  },
  {
    id: 'leave-hide-in-lists',
    title: 'Take what they share out of the lists',
    why: 'Who has the id of a resource needs no list.',
    change: withNothingBehind({
      edits: [
        {
          file: ACCESS,
          find: 'share.user_id = :actor AND ${OWNER_STAYS}))`',
          replace: 'share.user_id = :actor))`',
        },
        { file: ACCESS, find: '\n    AND ${OWNER_STAYS}))`', replace: '))`' },
      ],
    }),
    opens: ['leave-share-read', 'leave-share-write'],
  },
  {
    id: 'leave-hide-objects',
    title: 'Ask for it where a resource is read and written',
    why: 'The list has a condition of its own.',
    change: withNothingBehind(
      edit(LISTS, "['share.user_id = $1', OWNER_STAYS, ", "['share.user_id = $1', "),
    ),
    opens: ['leave-share-list'],
  },
];

export const lesson: Lesson = {
  folder: '25-leaving',
  title: 'Leaving',
  claim:
    'Who leaves is out at once and gone after a week; until then the owner, and nobody else, can change that. What one takes along is one’s own.',
  asvs: ['7.4.2', '7.5.3', '14.2.6', '14.2.7'],
  api: ['API1:2023', 'API2:2023', 'API3:2023', 'API4:2023', 'API6:2023'],
  attacks: [...attacks, ...shareAttacks, ...exportAttacks],
  controls: [...controls, ...exportControls],
  stacks: [
    behindRowSecurity('leave-hides-shares', [
      'leave-share-read',
      'leave-share-list',
      'leave-share-write',
    ]),
    { controls: ['export-own', 'rls-actor', 'crypt-owner'], opens: ['export-foreign'] },
    ...exportStacks,
    // The new password alone ends a change of address that is under way.
    {
      controls: ['leave-links-die', 'link-dies-on-change'],
      opens: ['leave-old-link', 'leave-open-change'],
    },
  ],
  wrongFixes: [...wrongFixes, ...exportWrongFixes],
  use: async (target) => {
    const ada = await target.person('ada');
    const { id } = await target.resource(ada);
    const copy = await download(ada.client, await ask(target, ada));
    if (!copy.includes(id)) throw new Error('nobody can take along what is his');
    const kept = await keep(target, ada, await leave(target, ada));
    if (!(await isIn(target, kept))) throw new Error('nobody can think again');
    const rows = await target.lab.database.query('SELECT FROM resources WHERE id = $1', [id]);
    if (rows.length !== 1) throw new Error('what was called off has taken something along');
  },
};
