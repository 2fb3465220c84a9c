export const GUARD = 'src/auth/jwt-auth.guard.ts';
export const SESSIONS = 'src/auth/sessions.service.ts';
export const SIGN_INS = 'src/auth/sign-ins.service.ts';

/** How the guard asks. */
export const ASK = `const revoked = this.revocations.isRevoked(actor.sessionId);
    if (typeof revoked === 'boolean' ? revoked : await revoked)
      throw bearerProblem('invalid_token');`;

/** Ends the other sessions when the password changes. */
export const END_OTHERS = `UPDATE sessions SET revoked_at = now()
        WHERE user_id = \${actor.userId} AND id <> \${actor.sessionId} AND revoked_at IS NULL`;

const logOuts = ['revoke-logout', 'revoke-logout-older', 'revoke-logout-respelled'];
/** An access token of a session that has ended, one per way to end it. */
export const ended = [
  ...logOuts,
  'revoke-everywhere',
  'revoke-one',
  'revoke-by-administrator',
  'revoke-password',
  'revoke-demotion',
  'refresh-thief-access',
  'link-move-session',
  'factor-older-session',
];
