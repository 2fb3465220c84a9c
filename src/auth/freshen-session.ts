import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { bearerProblem } from '../http/problem.js';
import { liveSession, type LiveSession, type SessionRow } from './session-row.js';

/** All that the account asks for was proven anew in this transaction. Throws `invalid_token`. */
export async function freshenSession(
  tx: EntityManager,
  { sessionId }: Actor,
  byPasskey: boolean,
): Promise<LiveSession> {
  const [rows] = await tx.sql<[SessionRow[], number]>`
    UPDATE sessions s
    SET authenticated_at = now(), second_factor = u.has_second_factor, by_passkey = ${byPasskey}
    FROM users u
    WHERE s.id = ${sessionId} AND u.id = s.user_id AND s.revoked_at IS NULL AND s.expires_at > now()
    RETURNING s.id, s.user_id, u.role, s.expires_at, s.authenticated_at, s.second_factor,
      s.by_passkey`;
  // It ended while the proof was checked.
  if (!rows[0]) throw bearerProblem('invalid_token');
  return liveSession(rows[0]);
}
