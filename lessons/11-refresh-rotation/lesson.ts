import type { Edit, Lesson } from '../engine/lesson.js';
import { ended } from '../12-revocation/parts.js';
import { attacks } from './attacks.js';

const SESSIONS = 'src/auth/sessions.service.ts';
const edit = (find: string, replace: string): Edit => ({ file: SESSIONS, find, replace });

const UNUSED = 'AND t.used_at IS NULL AND s.id = t.session_id';
const READ_ROWS = `const rows = await this.dataSource.sql<SessionRow[]>\`
      WITH spent AS (`;
const END_FAMILY = `UPDATE sessions SET revoked_at = coalesce(revoked_at, now())
      WHERE id = (SELECT`;

export const lesson: Lesson = {
  folder: '11-refresh-rotation',
  title: 'Refresh tokens and their rotation',
  claim:
    'A stolen refresh token is good for one use at most, and that use ends when its owner comes back.',
  asvs: ['7.2.4', '7.3.2', '7.4.1', '10.4.5', '10.4.8'],
  api: ['API2:2023'],
  use: async (target) => {
    let { refreshToken } = await target.person('ada');
    for (let round = 0; round < 3; round += 1) {
      const client = target.stranger('ada');
      const path = '/v1/auth/refresh';
      const { body } = await client.post<{ refreshToken: string }>(path, { refreshToken });
      if (!body.refreshToken || body.refreshToken === refreshToken)
        throw new Error('a session cannot be continued');
      ({ refreshToken } = body);
    }
  },
  attacks,
  controls: [
    {
      id: 'refresh-one-use',
      title: 'One conditional UPDATE spends the token',
      file: SESSIONS,
      removal: { edits: [edit(UNUSED, 'AND s.id = t.session_id')] },
      opens: ['refresh-replay', 'refresh-race', 'refresh-thief-first', 'refresh-thief-access'],
    },
    {
      id: 'refresh-reuse',
      title: 'The return of a spent token ends the whole session',
      file: SESSIONS,
      removal: {
        edits: [edit(END_FAMILY, END_FAMILY.replace('coalesce(revoked_at, now())', 'revoked_at'))],
      },
      opens: ['refresh-thief-first', 'refresh-thief-access'],
    },
    {
      id: 'refresh-hash',
      title: 'The database holds a hash of the token',
      file: SESSIONS,
      removal: {
        edits: [
          edit("createHash('sha256').update(token).digest()", "Buffer.from(token, 'base64url')"),
        ],
      },
      opens: ['refresh-table-copy'],
    },
    {
      id: 'refresh-end',
      title: 'A session has a last day, however often it is refreshed',
      file: SESSIONS,
      removal: { edits: [edit('AND s.expires_at > now() ', '')] },
      opens: [],
    },
    {
      id: 'refresh-access-end',
      title: 'No access token outlives its session',
      file: 'src/auth/access-tokens.ts',
      removal: {
        edits: [
          {
            file: 'src/auth/access-tokens.ts',
            find: 'Math.min(now + ACCESS_TOKEN_SECONDS, Math.floor(sessionEndsAt.getTime() / 1_000))',
            replace: 'now + ACCESS_TOKEN_SECONDS',
          },
        ],
      },
      opens: ['refresh-outlive'],
    },
    {
      id: 'refresh-live',
      title: 'A session that has ended is not continued',
      file: SESSIONS,
      removal: { edits: [edit('AND s.revoked_at IS NULL ', '')] },
      opens: [],
    },
    {
      id: 'refresh-enabled',
      title: 'Nor is that of a disabled account',
      file: SESSIONS,
      removal: { edits: [edit(' AND u.disabled_at IS NULL', '')] },
      opens: [],
    },
  ],
  stacks: [
    {
      controls: ['refresh-live', 'revocation-check'],
      opens: [
        ...ended,
        'revoke-disable',
        'revoke-deletion',
        'revoke-logout-refresh',
        'revoke-password-refresh',
        'refresh-thief-first',
      ],
    },
    {
      controls: ['refresh-enabled', 'revocation-of-authority'],
      opens: ['revoke-disable', 'revoke-disable-refresh', 'revoke-demotion'],
    },
    {
      controls: ['refresh-end', 'refresh-access-end'],
      opens: ['refresh-after-end', 'refresh-for-ever', 'refresh-outlive'],
    },
  ],
  wrongFixes: [
    {
      id: 'refresh-read-then-write',
      title: 'Read the row, refuse if it is used, then mark it, all in a transaction',
      why: 'A transaction does not queue readers: all of them read "unused" before the first one writes.',
      change: {
        edits: [
          edit(
            READ_ROWS,
            `const rows = await this.dataSource.transaction(async (tx) => {
      const unused = await tx.sql<unknown[]>\`
        SELECT FROM refresh_tokens WHERE token_hash = \${hashToken(spent)} AND used_at IS NULL\`;
      if (unused.length === 0) throw await this.refuse(spent);
      return tx.sql<SessionRow[]>\`
      WITH spent AS (`,
          ),
          edit('SELECT * FROM spent`;', 'SELECT * FROM spent`;\n    });'),
          edit(UNUSED, 'AND s.id = t.session_id'),
        ],
      },
      opens: ['refresh-race'],
    },
    {
      id: 'refresh-grace',
      title: 'Accept a spent token for ten seconds more, for impatient clients',
      why: 'A thief who is ten seconds behind, or ahead, is impatient too, and nobody notices him.',
      change: {
        edits: [
          edit(
            UNUSED,
            "AND coalesce(t.used_at, now()) > now() - interval '10 seconds' AND s.id = t.session_id",
          ),
        ],
      },
      opens: ['refresh-replay', 'refresh-race', 'refresh-thief-first', 'refresh-thief-access'],
    },
    {
      id: 'refresh-family-only',
      title: 'When a spent token returns, void the other refresh tokens',
      why: 'The thief’s access token was forgotten: it is still good for minutes.',
      change: {
        edits: [
          edit(
            END_FAMILY,
            `WITH family AS (
        UPDATE refresh_tokens SET used_at = now()
        WHERE session_id = (SELECT session_id FROM refresh_tokens
                            WHERE token_hash = \${hashToken(token)} AND used_at IS NOT NULL)
      )
      UPDATE sessions SET revoked_at = revoked_at
      WHERE id = (SELECT`,
          ),
        ],
      },
      opens: ['refresh-thief-access'],
    },
    {
      id: 'refresh-sliding',
      title: 'Every refresh moves the end by another month',
      why: 'Who refreshes in time is never asked for the password again, and neither is the thief.',
      change: {
        edits: [
          edit(
            'SELECT ${hashToken(refreshToken)}, id FROM spent\n      )',
            `SELECT \${hashToken(refreshToken)}, id FROM spent
      ), longer AS (
        UPDATE sessions SET expires_at = now() + \${SESSION_DAYS} * interval '1 day'
        FROM spent WHERE sessions.id = spent.id
      )`,
          ),
        ],
      },
      opens: ['refresh-for-ever'],
    },
  ],
};
