import type { Opened, Sealed } from '../crypto/protection.decorators.js';
import type { Actor, Role } from '../access/actor.js';

/** A session as the statements answer it that open, continue or freshen one. */
export interface SessionRow {
  id: string;
  user_id: string;
  role: Role;
  expires_at: Date;
  authenticated_at: Date;
  second_factor: boolean;
  by_passkey: boolean;
}

/** Whose session was opened, and whether it is the first after the sign-up. */
export interface StartedRow {
  email: Sealed<string>;
  isFirst: boolean;
}
export type Started = Opened<StartedRow>;

export interface LiveSession {
  actor: Actor;
  endsAt: Date;
}

export const liveSession = (row: SessionRow): LiveSession => ({
  actor: {
    userId: row.user_id,
    sessionId: row.id,
    role: row.role,
    authenticatedAt: Math.floor(row.authenticated_at.getTime() / 1_000),
    twoFactor: row.second_factor,
    byPasskey: row.by_passkey,
  },
  endsAt: row.expires_at,
});
