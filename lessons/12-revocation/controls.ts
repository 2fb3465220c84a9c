import type { Control } from '../engine/lesson.js';
import { ASK, END_OTHERS, ended, GUARD, SESSIONS } from './parts.js';

const FEED = 'src/access/revocation-feed.ts';
const MIGRATION = 'migrations/0001-foundation.sql';

const trigger = (id: string, title: string, name: string, opens: string[]): Control => ({
  id,
  title,
  file: MIGRATION,
  removal: { sql: `DROP TRIGGER ${name};` },
  opens,
});

export const controls: Control[] = [
  {
    id: 'revocation-check',
    title: 'Every request asks whether its session has ended',
    file: GUARD,
    removal: { edits: [{ file: GUARD, find: ASK, replace: '' }] },
    opens: [
      ...ended,
      'revoke-disable',
      'revoke-deletion',
      'revoke-deletion-by-hand',
      'revoke-feed-down',
      'revoke-feed-missed',
    ],
  },
  trigger(
    'revocation-announced',
    'The database announces every end of a session',
    'session_revoked ON sessions',
    [...ended, 'revoke-disable', 'revoke-deletion', 'revoke-feed-missed'],
  ),
  trigger(
    'revocation-of-deleted',
    'The database announces the end of a deleted session, too',
    'session_deleted ON sessions',
    ['revoke-deletion-by-hand'],
  ),
  trigger(
    'revocation-of-authority',
    'The database ends the sessions of whoever was disabled, promoted or demoted',
    'user_authority_changed ON users',
    ['revoke-disable', 'revoke-demotion', 'revoke-deletion'],
  ),
  {
    id: 'revocation-by-password',
    title: 'A new password ends all other sessions',
    file: SESSIONS,
    removal: {
      edits: [
        {
          file: SESSIONS,
          find: END_OTHERS,
          replace: END_OTHERS.replace('revoked_at IS NULL', 'FALSE'),
        },
      ],
    },
    opens: ['revoke-password', 'revoke-password-refresh'],
  },
  {
    id: 'revocation-no-login',
    title: 'A disabled account opens no session',
    file: SESSIONS,
    removal: { edits: [{ file: SESSIONS, find: ' AND disabled_at IS NULL', replace: '' }] },
    opens: ['revoke-disable-login', 'leave-sign-in', 'leave-escape', 'leave-old-link'],
  },
  {
    id: 'revocation-fail-closed',
    title: 'While the feed is down, the database is asked',
    file: FEED,
    removal: {
      edits: [
        {
          file: FEED,
          find: 'return this.isLive ? this.revokedAt.has(sessionId) : this.askDatabase(sessionId);',
          replace: 'return this.revokedAt.has(sessionId);',
        },
      ],
    },
    opens: ['revoke-feed-down'],
  },
  {
    id: 'revocation-catch-up',
    title: 'When the feed is back, what was missed is loaded',
    file: FEED,
    removal: {
      edits: [
        {
          file: FEED,
          find: 'for (const row of rows) this.revokedAt.set(row.session_id, performance.now());',
          replace: 'void rows;',
        },
      ],
    },
    opens: ['revoke-feed-missed'],
  },
];
