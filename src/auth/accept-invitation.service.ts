import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { Problem } from '../http/problem.js';
import { CredentialsService, type NewUser } from '../users/credentials.service.js';
import type { AcceptInvitationRequest } from './auth.dto.js';
import { Invitation } from './invitation.entity.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import { hashToken } from './tokens.js';

/** The password is chosen by whoever holds the link: nobody else ever knew one. */
@Injectable()
export class AcceptInvitationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly credentials: CredentialsService,
    private readonly hasher: PasswordHasher,
    private readonly log: SecurityLog,
    private readonly fields: SealedFields,
  ) {}

  /** Throws `invalid_link`, `weak_password`, which leaves the link good, and `overloaded`. */
  async accept({ token, password, displayName = '' }: AcceptInvitationRequest): Promise<void> {
    const [row] = await this.dataSource.sql<Pick<Invitation, 'emailIndex' | 'email'>[]>`
      SELECT email_index AS "emailIndex", email FROM invitations
      WHERE token_hash = ${hashToken(token)} AND expires_at > now()`;
    if (!row) throw new Problem('invalid_link');
    const { email } = await this.fields.openOne(this.dataSource, Invitation, row);
    const invited = { email };
    checkPassword(password, invited);
    const passwordHash = await this.hasher.hash(password);
    const user: NewUser = { ...invited, displayName, passwordHash, role: 'user' };
    await this.dataSource.transaction(async (tx) => {
      const isSpent = await this.spend(tx, token);
      const userId = isSpent ? await this.credentials.create(tx, user) : undefined;
      if (!userId) throw new Problem('invalid_link');
      await this.log.record(tx, 'user_created', { userId, by: 'invitation' });
    });
  }

  /** One statement decides: of any number of parallel uses one is told that it was the one. */
  private async spend(tx: EntityManager, token: string): Promise<boolean> {
    const [, count] = await tx.sql<[unknown, number]>`
      DELETE FROM invitations WHERE token_hash = ${hashToken(token)} AND expires_at > now()`;
    return count > 0;
  }
}
