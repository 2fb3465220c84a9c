import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import { Mailer } from '../mail/mailer.js';
import type { TakeBackRequest } from './auth.dto.js';
import { endSessionsOf } from './end-sessions.js';
import { EmailLinksService } from './email-links.service.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import { SessionsService } from './sessions.service.js';

/** The owner of the old mailbox takes a change of address back. */
@Injectable()
export class EmailUndoService {
  constructor(
    private readonly links: EmailLinksService,
    private readonly mailer: Mailer,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
  ) {}

  /** Gives the old address back, and ends every session. Throws as a reset of the password does. */
  async undo({ token, newPassword }: TakeBackRequest, ip: string): Promise<void> {
    const found = await this.links.findUndo(token);
    if (!found) throw new Problem('invalid_link');
    // As long as the only factor, whatever factors there are: somebody else may have added them.
    checkPassword(newPassword, { email: found.toEmail }, '/newPassword');
    const newHash = await this.hasher.hash(newPassword, '/newPassword');
    const { email } = await this.links.move(async (tx) => {
      const owner = await this.links.spendUndo(tx, token, newHash);
      if (owner) {
        await endSessionsOf(tx, owner.id);
        await this.mailer.send(tx, { to: owner.email, template: 'passwordChanged', values: {} });
        await this.throttle.remember(tx, { account: owner.email, ip });
        await this.log.record(tx, 'user_updated', {
          userId: owner.id,
          change: 'email',
          by: 'undo',
        });
        await this.log.record(tx, 'authn_password_change', { userId: owner.id, by: 'link' });
      }
      return owner;
    });
    await this.sessions.caughtUp();
    // As after a new password by mail: whoever reads the mails of the account is its owner.
    await this.throttle.succeeded({ account: email, ip });
  }
}
