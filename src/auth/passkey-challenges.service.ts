import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';
import { createToken, hashToken } from './tokens.js';

export const PASSKEY_CHALLENGE_MINUTES = 5;

/** What the answer is good for, and in which session; to sign in, there is none yet. */
export type ChallengePurpose =
  { purpose: 'sign_in' } | { purpose: 'register' | 'reauthenticate'; actor: Actor };

/** The challenges that passkeys sign: random, kept as hashes, good for one use (WebAuthn §13.4.3). */
@Injectable()
export class PasskeyChallengesService {
  constructor(
    private readonly dataSource: DataSource,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  async create(asked: ChallengePurpose) {
    const challenge = createToken();
    await this.dataSource.sql`
      INSERT INTO passkey_challenges (challenge_hash, purpose, session_id, expires_at)
      VALUES (${hashToken(challenge)}, ${asked.purpose}, ${sessionOf(asked)},
        now() + ${PASSKEY_CHALLENGE_MINUTES} * interval '1 minute')`;
    return { challenge, expiresIn: PASSKEY_CHALLENGE_MINUTES * 60 };
  }

  /**
   * Before anything else of the answer is looked at: a wrong answer spends it, too. Throws
   * `invalid_passkey`; of any number of parallel uses, one wins.
   */
  async spend(challenge: string, asked: ChallengePurpose): Promise<void> {
    const [spent] = await this.dataSource.sql<[unknown[], number]>`
      DELETE FROM passkey_challenges
      WHERE challenge_hash = ${hashToken(challenge)} AND purpose = ${asked.purpose}
        AND session_id IS NOT DISTINCT FROM ${sessionOf(asked)}::uuid AND expires_at > now()
      RETURNING true`;
    if (spent.length === 0) throw new Problem('invalid_passkey');
  }

  /** Without a lock: the app's role may lock only what it may change, and a challenge never changes. */
  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM passkey_challenges WHERE challenge_hash IN (
      SELECT challenge_hash FROM passkey_challenges WHERE expires_at < now() LIMIT ${SWEEP_ROWS})`;
  }
}

const sessionOf = (asked: ChallengePurpose) =>
  asked.purpose === 'sign_in' ? null : asked.actor.sessionId;
