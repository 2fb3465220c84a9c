import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import type { Opened } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import { LoginThrottle } from './login-throttle.js';
import { PasswordHasher } from './password-hasher.js';
import { SignUp } from './sign-up.entity.js';
import { hashToken } from './tokens.js';

type Waiting = Pick<SignUp, 'id' | 'email' | 'displayName' | 'passwordHash'>;

/** Sign-ups that wait for the link of their mail. */
@Injectable()
export class SignUpsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly credentials: CredentialsService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
    private readonly fields: SealedFields,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /**
   * Makes the account. The link alone is not enough: who registered somebody else's address would
   * have an account there, with a password of his own, as soon as the other opens the link. Throws
   * `invalid_link`, `wrong_password`, which leaves the link good, `rate_limited` and `overloaded`.
   */
  async verify(token: string, password: string, ip: string): Promise<void> {
    const [row] = await this.dataSource.sql<Omit<Waiting, 'displayName'>[]>`
      SELECT id, email, password_hash AS "passwordHash" FROM sign_ups
      WHERE token_hash = ${hashToken(token)} AND expires_at > now()`;
    if (!row) throw new Problem('invalid_link');
    const found = await this.fields.openOne(this.dataSource, SignUp, row);
    await this.throttle.admit({ account: `sign-up ${found.id}`, ip });
    if (!(await this.hasher.verify(found.passwordHash, password)))
      throw new Problem('wrong_password');
    const attempt = { account: found.email, ip };
    await this.dataSource.transaction(async (tx) => {
      const id = await this.createUser(tx, token);
      // Before the first sign-in strangers could otherwise use up the tries of a new account.
      if (!id) throw new Problem('invalid_link');
      await this.throttle.remember(tx, attempt);
      await this.log.record(tx, 'user_created', { userId: id });
    });
    // However many guessed at the address before: here is its owner.
    await this.throttle.succeeded(attempt);
  }

  private async createUser(tx: EntityManager, token: string): Promise<string | undefined> {
    const signUp = await this.spend(tx, token);
    return signUp && this.credentials.create(tx, { ...signUp, role: 'user' });
  }

  /**
   * Spends the link, and with it those of all other sign-ups of the address. One statement decides:
   * of any number of parallel uses one is told that it was the one. All are locked first, in one
   * order: two links of one address never wait for each other.
   */
  private async spend(tx: EntityManager, token: string): Promise<Opened<Waiting> | undefined> {
    const [row] = await tx.sql<Waiting[]>`
      WITH live AS MATERIALIZED (
        SELECT id, token_hash, email, display_name, password_hash FROM sign_ups
        WHERE token_hash IS NOT NULL AND email_index = (
          SELECT email_index FROM sign_ups
          WHERE token_hash = ${hashToken(token)} AND expires_at > now())
        ORDER BY id FOR UPDATE
      ), chosen AS (
        SELECT * FROM live WHERE token_hash = ${hashToken(token)}
      ), spent AS (
        UPDATE sign_ups SET token_hash = NULL, email = NULL, display_name = NULL
        WHERE id IN (SELECT id FROM live) AND EXISTS (SELECT FROM chosen)
      )
      SELECT id, email, display_name AS "displayName", password_hash AS "passwordHash" FROM chosen`;
    return row && this.fields.openOne(tx, SignUp, row);
  }

  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM sign_ups WHERE id IN (
      SELECT id FROM sign_ups WHERE expires_at < now() LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }
}
