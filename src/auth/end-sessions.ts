import type { EntityManager } from 'typeorm';

/** Every session of a person, in the transaction of what ends them. Lock the row of users before. */
export const endSessionsOf = (tx: EntityManager, userId: string): Promise<unknown> =>
  tx.sql`UPDATE sessions SET revoked_at = now() WHERE user_id = ${userId} AND revoked_at IS NULL`;
