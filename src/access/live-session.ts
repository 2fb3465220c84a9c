import type { EntityManager } from 'typeorm';
import { bearerProblem } from '../http/problem.js';
import type { Actor } from './actor.js';

/**
 * Throws `invalid_token` unless the caller's session is live, and keeps it so until the transaction
 * ends. The guard asked when the request came; while a password was hashed, the session may have been
 * ended. Lock rows of users before, never after: whoever ends sessions does it in that order.
 */
export async function mustBeLive(tx: EntityManager, { sessionId }: Actor): Promise<void> {
  const live = await tx.sql<unknown[]>`
    SELECT FROM sessions WHERE id = ${sessionId} AND revoked_at IS NULL FOR NO KEY UPDATE`;
  if (live.length === 0) throw bearerProblem('invalid_token');
}
