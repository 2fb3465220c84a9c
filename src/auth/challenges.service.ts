import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { Sealed } from '../crypto/protection.decorators.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';
import { AddressesService } from '../users/addresses.service.js';
import {
  CredentialsService,
  type Credentials,
  type LockedCredentials,
} from '../users/credentials.service.js';
import { createToken, hashToken } from './tokens.js';

export const CHALLENGE_MINUTES = 5;
export const CHALLENGE_ATTEMPTS = 5;

/** Whose challenge it is. */
export interface Challenged {
  id: string;
  email: string;
}

/** What stands between the right password and the session of an account with a second factor. */
@Injectable()
export class ChallengesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly credentials: CredentialsService,
    private readonly addresses: AddressesService,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /** Throws `second_factor_required` if that is what is missing; else answers null. */
  async demand({ id, passwordHash }: Credentials): Promise<null> {
    const token = createToken();
    const rows = await this.dataSource.sql<{ kinds: string[] }[]>`
      INSERT INTO second_factor_challenges
        (token_hash, user_id, password_digest, attempts_left, expires_at)
      SELECT ${hashToken(token)}, id, ${digestOf(passwordHash)}, ${CHALLENGE_ATTEMPTS},
        now() + ${CHALLENGE_MINUTES} * interval '1 minute'
      FROM users
      WHERE id = ${id} AND password_hash = ${passwordHash} AND disabled_at IS NULL
        AND has_second_factor
      RETURNING ARRAY(SELECT DISTINCT kind FROM factors
        WHERE user_id = ${id} AND confirmed_at IS NOT NULL ORDER BY kind) AS kinds`;
    const [made] = rows;
    if (!made) return null;
    const factors = [...made.kinds, 'recovery_code'];
    const challenge = { token, expiresIn: CHALLENGE_MINUTES * 60, factors };
    throw new Problem('second_factor_required', { challenge });
  }

  /** Counts a try before the code is looked at: parallel tries count, too. Throws `invalid_challenge`. */
  async admit(token: string): Promise<Challenged> {
    const [rows] = await this.dataSource.sql<[{ id: string; email: Sealed<string> }[], number]>`
      UPDATE second_factor_challenges c SET attempts_left = c.attempts_left - 1
      FROM users u
      WHERE c.token_hash = ${hashToken(token)} AND c.attempts_left > 0 AND c.expires_at > now()
        AND u.id = c.user_id AND u.disabled_at IS NULL
      RETURNING u.id, u.email`;
    if (!rows[0]) throw new Problem('invalid_challenge');
    return this.addresses.open(this.dataSource, rows[0]);
  }

  /**
   * Spends the challenge of this person, if the password is still the one that was checked for it and
   * the account is enabled. Throws `invalid_challenge`: of any number of parallel uses, one wins.
   */
  async spend(tx: EntityManager, token: string, { id }: Challenged): Promise<LockedCredentials> {
    const known = await this.credentials.lock(tx, id);
    if (!known) throw new Problem('invalid_challenge');
    const [spent] = await tx.sql<[unknown[], number]>`
      DELETE FROM second_factor_challenges
      WHERE token_hash = ${hashToken(token)} AND user_id = ${known.id}
        AND password_digest = ${digestOf(known.passwordHash)} AND expires_at > now()
      RETURNING true`;
    if (spent.length === 0) throw new Problem('invalid_challenge');
    return known;
  }

  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM second_factor_challenges WHERE token_hash IN (
      SELECT token_hash FROM second_factor_challenges WHERE expires_at < now()
      LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }
}

/** Tells whether the hash is the same, and keeps no second copy of it. */
const digestOf = (passwordHash: string) => createHash('sha256').update(passwordHash).digest();
