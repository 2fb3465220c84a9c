import { AccessTokens } from '../../src/auth/access-tokens.js';
import { PasswordHasher } from '../../src/auth/password-hasher.js';
import { SessionsService } from '../../src/auth/sessions.service.js';
import type { Role } from '../../src/access/actor.js';
import { CredentialsService } from '../../src/users/credentials.service.js';
import { acrossOwners } from '../../src/database/acting.js';
import { DataSource } from 'typeorm';
import { newEmail, newPassword, type Person } from './factories.js';
import type { TestApp } from './test-app.js';

export type Cast = (role: Role) => Promise<Person>;

/**
 * People for tests that need hundreds: made by the services that sign people up and in. All have one
 * password, because a hash costs more than all the rest.
 */
export async function createCast({ app, client }: TestApp): Promise<Cast> {
  const password = newPassword();
  const passwordHash = await app.get(PasswordHasher).hash(password);
  const sessions = app.get(SessionsService);
  const accessTokens = app.get(AccessTokens);
  return async (role) => {
    const email = newEmail();
    const user = { email, displayName: '', passwordHash, role };
    const origin = { device: 'Firefox on Linux', place: '10.1.2.0/24' };
    const { id, session } = await acrossOwners(() =>
      app.get(DataSource).transaction(async (tx) => {
        const made = (await app.get(CredentialsService).create(tx, user)) ?? '';
        return { id: made, session: await sessions.start(tx, { id: made, passwordHash }, origin) };
      }),
    );
    if (!session) throw new Error('a new user could not sign in');
    const { token, expiresIn } = await accessTokens.issue(session.actor, session.endsAt);
    const { refreshToken } = session;
    const tokens = { accessToken: token, refreshToken, tokenType: 'Bearer', expiresIn };
    return { id, email, password, tokens, client: client().withToken(token) };
  };
}
