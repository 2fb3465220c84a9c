import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import type { ResetPasswordRequest } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { MailLinksService } from './mail-links.service.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword, isShort } from './password-policy.js';
import { SessionsService } from './sessions.service.js';
import { orShortPassword } from './short-password.js';

/** A new password for whoever can read the mail of the account. */
@Injectable()
export class RecoveryService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: MailLinksService,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
  ) {}

  /**
   * Sets the password and ends every session; signs nobody in, and removes no second factor: whoever
   * reads the mail has one of the two. Throws `invalid_link`, `weak_password`,
   * which leaves the link good, and `overloaded`.
   */
  async reset({ token, newPassword }: ResetPasswordRequest, ip: string): Promise<void> {
    const owner = await this.links.find('reset_password', token);
    if (!owner) throw new Problem('invalid_link');
    checkPassword(newPassword, owner, '/newPassword');
    const hash = await this.hasher.hash(newPassword, '/newPassword');
    const password = { hash, isShort: isShort(newPassword) };
    const attempt = { account: owner.email, ip };
    const done = await orShortPassword('weak_password', () =>
      this.dataSource.transaction(async (tx) => {
        if (!(await this.links.spend(tx, 'reset_password', token))) return false;
        await this.sessions.replacePassword(tx, owner, password);
        await this.throttle.remember(tx, attempt);
        await this.log.record(tx, 'authn_password_change', { userId: owner.id, by: 'link' });
        return true;
      }),
    );
    if (!done) throw new Problem('invalid_link');
    await this.sessions.caughtUp();
    // However many guessed: whoever reads the mails of the account is its owner.
    await this.throttle.succeeded(attempt);
  }
}
