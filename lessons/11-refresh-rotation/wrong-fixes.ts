import type { WrongFix } from '../engine/lesson.js';
import { edit, END_FAMILY, UNUSED } from './parts.js';

const READ_ROWS = `const rows = await this.dataSource.sql<SessionRow[]>\`
      WITH family AS MATERIALIZED (`;

export const wrongFixes: WrongFix[] = [
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
    WITH family AS MATERIALIZED (`,
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
  {
    id: 'refresh-idle-touch',
    title: 'Count the week from the last time that anybody showed the token',
    why: 'A refusal then counts as use: whoever asks again is let in.',
    change: {
      edits: [
        edit(
          'private async refuse(token: string): Promise<Problem> {',
          `private async refuse(token: string): Promise<Problem> {
    await this.dataSource.sql\`
      UPDATE refresh_tokens SET created_at = now() WHERE token_hash = \${hashToken(token)}\`;`,
        ),
      ],
    },
    opens: ['refresh-idle-again'],
  },
];
