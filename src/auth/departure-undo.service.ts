import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { Problem } from '../http/problem.js';
import { Mailer } from '../mail/mailer.js';
import { AddressesService } from '../users/addresses.service.js';
import type { TakeBackRequest } from './auth.dto.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import { hashToken } from './tokens.js';

interface Owner {
  id: string;
  email: Sealed<string>;
}

/** The owner of the mailbox calls an account back that is about to be deleted. */
@Injectable()
export class DepartureUndoService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly mailer: Mailer,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
    private readonly addresses: AddressesService,
  ) {}

  /** Signs nobody in: a link in a mail is not the password. Throws as a reset of the password does. */
  async cancel({ token, newPassword }: TakeBackRequest, ip: string): Promise<void> {
    const leaving = await this.find(token);
    if (!leaving) throw new Problem('invalid_link');
    // As long as the only factor, whatever factors there are: somebody else may have added them.
    checkPassword(newPassword, leaving, '/newPassword');
    const newHash = await this.hasher.hash(newPassword, '/newPassword');
    const { email } = await this.dataSource.transaction(async (tx) => {
      const owner = await this.keep(tx, token, newHash);
      if (!owner) throw new Problem('invalid_link');
      await this.mailer.send(tx, { to: owner.email, template: 'accountKept', values: {} });
      await this.throttle.remember(tx, { account: owner.email, ip });
      await this.log.record(tx, 'user_updated', { userId: owner.id, change: 'staying' });
      await this.log.record(tx, 'authn_password_change', { userId: owner.id, by: 'link' });
      return owner;
    });
    // As after a new password by mail: whoever reads the mails of the account is its owner.
    await this.throttle.succeeded({ account: email, ip });
  }

  /** Whose link this is. Looking does not spend it. */
  private async find(token: string): Promise<{ email: string } | undefined> {
    const rows = await this.dataSource.sql<Owner[]>`
      SELECT u.id, u.email FROM mail_links l JOIN users u ON u.id = l.user_id
      WHERE l.token_hash = ${hashToken(token)} AND l.purpose = 'cancel_deletion'
        AND l.expires_at > now()`;
    return this.addresses.open(this.dataSource, rows[0]);
  }

  /**
   * One statement decides: of any number of parallel uses one is told that it was the one, and when the
   * sweep was faster, none. A trigger takes the link away. Who asked for the deletion knew the password:
   * with it, a thief would leave again and again, until one day the owner comes too late.
   */
  private async keep(tx: EntityManager, token: string, newHash: string) {
    const [kept] = await tx.sql<[Owner[], number]>`
      UPDATE users SET password_hash = ${newHash}, password_is_short = false,
        disabled_at = NULL, delete_at = NULL
      WHERE delete_at > now() AND NOT is_erased AND id = (
        SELECT user_id FROM mail_links
        WHERE token_hash = ${hashToken(token)} AND purpose = 'cancel_deletion' AND expires_at > now())
      RETURNING id, email`;
    return this.addresses.open(tx, kept[0]);
  }
}
