import { Injectable } from '@nestjs/common';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { CredentialsService, type Credentials } from '../users/credentials.service.js';
import { UsersService } from '../users/users.service.js';
import type { ChangePasswordRequest } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword, isShort } from './password-policy.js';
import { SessionsService } from './sessions.service.js';
import { orShortPassword } from './short-password.js';

/** Whose password was right just now. */
export interface Proven extends Credentials {
  email: string;
}

/** What a stolen access token alone must not be able to do: it asks for the password again. */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
  ) {}

  /** Ends all other sessions. Throws `wrong_password`, `weak_password`, `rate_limited`. */
  async changePassword(actor: Actor, request: ChangePasswordRequest, ip: string): Promise<void> {
    const owner = await this.users.getOwn(actor);
    checkPassword(request.newPassword, owner, '/newPassword');
    const { passwordHash } = await this.reauthenticate(actor, request.currentPassword, ip);
    const hash = await this.hasher.hash(request.newPassword, '/newPassword');
    const newPassword = { hash, isShort: isShort(request.newPassword) };
    const change = { email: owner.email, checkedHash: passwordHash, newPassword };
    const changed = await orShortPassword('weak_password', () =>
      this.sessions.changePassword(actor, change),
    );
    if (!changed) throw new Problem('wrong_password');
  }

  /** Counts like a sign-in: else it were the place to guess at. Throws `wrong_password`. */
  async reauthenticate(actor: Actor, password: string, ip: string): Promise<Proven> {
    // The same budgets as the sign-in's: the owner's own network is known here, too.
    const { email } = await this.users.getOwn(actor);
    const attempt = { account: email, ip };
    await this.throttle.admit(attempt);
    const known = await this.credentials.find({ id: actor.userId });
    if (!known || !(await this.hasher.verify(known.passwordHash, password))) {
      this.log.tell('authn_password_change_fail', { userId: actor.userId, ip });
      throw new Problem('wrong_password');
    }
    await this.throttle.succeeded(attempt);
    return { ...known, email };
  }
}
