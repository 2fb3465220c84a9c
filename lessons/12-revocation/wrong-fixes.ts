import type { WrongFix } from '../engine/lesson.js';
import { ASK, END_OTHERS, ended, GUARD, SESSIONS, SIGN_INS } from './parts.js';

const feed = ['revoke-feed-down', 'revoke-feed-missed'];
const GUARD_STARTS = '/** Global: every route that is not';

export const wrongFixes: WrongFix[] = [
  {
    id: 'revocation-advice',
    title: 'The usual advice: the token says it all, for 24 hours',
    why: 'Nobody is asked any more, so nothing can be taken back before tomorrow.',
    change: {
      edits: [
        { file: GUARD, find: ASK, replace: '' },
        {
          file: 'src/access/revocation-feed.ts',
          find: 'ACCESS_TOKEN_SECONDS = 600;',
          replace: 'ACCESS_TOKEN_SECONDS = 24 * 3_600;',
        },
      ],
    },
    opens: [...ended, 'revoke-disable', 'revoke-deletion', 'revoke-deletion-by-hand', ...feed],
  },
  {
    id: 'revocation-of-one-token',
    title: 'Put the token that logs out on a list',
    why: 'One spelling of one token of the session is on the list, and nothing but a log-out puts it there.',
    change: {
      edits: [
        {
          file: GUARD,
          find: GUARD_STARTS,
          replace: `const denied = new Set<string>();\n\n${GUARD_STARTS}`,
        },
        {
          file: GUARD,
          find: ASK,
          replace: `const token = request.headers.authorization ?? '';
    if (denied.has(token)) throw bearerProblem('invalid_token');
    if (request.url.endsWith('/logout')) denied.add(token);`,
        },
      ],
    },
    opens: [
      ...ended.filter((id) => id !== 'revoke-logout'),
      'revoke-disable',
      'revoke-deletion',
      'revoke-deletion-by-hand',
    ],
  },
  {
    id: 'revocation-ask-user',
    title: 'Look the user up at every request',
    why: 'The user is still there and enabled; it is the session that has ended, and the role in the token is the old one.',
    change: {
      edits: [
        {
          file: GUARD,
          find: 'import { bearerProblem }',
          replace:
            "import { acrossOwners } from '../database/acting.js';\nimport { bearerProblem }",
        },
        {
          file: GUARD,
          find: 'this.revocations.isRevoked(actor.sessionId);',
          replace: `acrossOwners(() => this.revocations['dataSource']
      .query('SELECT FROM users WHERE id = $1 AND disabled_at IS NULL', [actor.userId]))
      .then((rows: unknown[]) => rows.length === 0);`,
        },
      ],
    },
    opens: [...ended, ...feed],
  },
  {
    id: 'revocation-of-disabled-only',
    title: 'End the sessions when a user is disabled',
    why: 'A demotion also takes something away.',
    change: {
      sql: `DROP TRIGGER user_authority_changed ON users;
CREATE TRIGGER user_authority_changed AFTER UPDATE OF disabled_at ON users
  FOR EACH ROW WHEN (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)
  EXECUTE FUNCTION end_sessions_of_changed_user();`,
    },
    opens: ['revoke-demotion'],
  },
  {
    id: 'revocation-of-refresh-only',
    title: 'A new password voids the refresh tokens of the other sessions',
    why: 'Their access tokens are still good for minutes, and minutes are enough.',
    change: {
      edits: [
        {
          file: SESSIONS,
          find: END_OTHERS,
          replace: `UPDATE refresh_tokens SET used_at = now() WHERE session_id IN (
          SELECT id FROM sessions
          WHERE user_id = \${actor.userId} AND id <> \${actor.sessionId})`,
        },
      ],
    },
    opens: ['revoke-password'],
  },
  {
    id: 'notice-by-device',
    title: 'Tell of devices that the account has not seen',
    why: 'What a client calls itself, the thief’s can call itself, too.',
    change: {
      edits: [
        {
          file: SIGN_INS,
          find: 'const isNew = await this.throttle.remember(tx, attempt);',
          replace: `const like = await tx.sql<unknown[]>\`
        SELECT FROM sessions WHERE user_id = \${session.actor.userId} AND device = \${device}\`;
      const isNew = like.length === 1;`,
        },
      ],
    },
    opens: ['notice-same-device'],
  },
];
