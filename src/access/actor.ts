export const ROLES = ['user', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. Made by `JwtAuthGuard` from a verified token and by nothing else. */
export interface Actor {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
  /** When the session last proved its credentials, in seconds of Unix time. */
  readonly authenticatedAt: number;
  /** Whether a second factor was among them. */
  readonly twoFactor: boolean;
  /** Whether a passkey stood for the password as well. */
  readonly byPasskey: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null;
  }
}
