import type { Lesson } from '../engine/lesson.js';
import { ended } from '../12-revocation/parts.js';
import { attacks } from './attacks.js';
import { edit, END_FAMILY, SESSIONS, TOKENS, UNUSED } from './parts.js';
import { wrongFixes } from './wrong-fixes.js';

export const lesson: Lesson = {
  folder: '11-refresh-rotation',
  title: 'Refresh tokens and their rotation',
  claim:
    'A stolen refresh token is good for one use at most, and that use ends when its owner comes back.',
  asvs: ['7.2.4', '7.3.1', '7.3.2', '7.4.1', '10.4.5', '10.4.8'],
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
      file: TOKENS,
      removal: {
        edits: [
          {
            file: TOKENS,
            find: "createHash('sha256').update(token).digest()",
            replace: "Buffer.concat([Buffer.from(token, 'base64url')], 32)",
          },
        ],
      },
      opens: ['refresh-table-copy', 'link-dump'],
    },
    {
      id: 'refresh-end',
      title: 'A session has a last day, however often it is refreshed',
      file: SESSIONS,
      removal: { edits: [edit('AND s.expires_at > now() ', '')] },
      opens: [],
    },
    {
      id: 'refresh-idle',
      title: 'A session that lies unused for a week is over',
      file: SESSIONS,
      removal: {
        edits: [edit("\n          AND t.created_at > now() - ${IDLE_DAYS} * interval '1 day'", '')],
      },
      opens: ['refresh-idle-session', 'refresh-idle-newest', 'refresh-idle-again'],
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
  wrongFixes,
};
