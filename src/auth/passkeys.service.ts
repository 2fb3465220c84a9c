import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { Problem } from '../http/problem.js';
import { Mailer } from '../mail/mailer.js';
import { AddressesService } from '../users/addresses.service.js';
import { PasskeyChallengesService, type ChallengePurpose } from './passkey-challenges.service.js';
import type { PasskeyAnswer } from './passkeys.dto.js';
import { bytesOf, RelyingParty } from './relying-party.js';

/** A passkey that answered a challenge of ours, and the owner it belongs to. */
export interface ProvenPasskey {
  factorId: string;
  userId: string;
  email: string;
  signCount: number;
}

interface PasskeyRow extends Omit<ProvenPasskey, 'signCount'> {
  publicKey: Buffer;
}

interface SealedRow extends Omit<PasskeyRow, 'userId' | 'email'> {
  id: string;
  email: Sealed<string>;
}

/** What passkeys prove. The table has public keys: a copy of it signs nobody in. */
@Injectable()
export class PasskeysService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly challenges: PasskeyChallengesService,
    private readonly relyingParty: RelyingParty,
    private readonly mailer: Mailer,
    private readonly log: SecurityLog,
    private readonly addresses: AddressesService,
  ) {}

  async options(asked: ChallengePurpose) {
    return { ...(await this.challenges.create(asked)), rpId: this.relyingParty.id };
  }

  /** Whose passkey answers a challenge of `options`, which is spent by that. Throws `invalid_passkey`. */
  async prove(answer: PasskeyAnswer, asked: ChallengePurpose): Promise<ProvenPasskey> {
    const challenge = await this.relyingParty.challengeOf(answer);
    await this.challenges.spend(challenge, asked);
    const owner = asked.purpose === 'sign_in' ? undefined : asked.actor.userId;
    return this.verify(answer, challenge, owner);
  }

  /**
   * Whose passkey signed this challenge; only of `owner`, where it is known who is asked. Throws
   * `invalid_passkey`: one answer for what is unknown, foreign or wrong.
   */
  async verify(answer: PasskeyAnswer, challenge: string, owner?: string): Promise<ProvenPasskey> {
    const known = await this.find(answer.credentialId);
    try {
      if (!known || !isOf(known, answer, owner)) throw new Problem('invalid_passkey');
      const { publicKey, ...passkey } = known;
      const signCount = await this.relyingParty.verify(answer, challenge, publicKey);
      return { ...passkey, signCount };
    } catch (error) {
      this.log.tell('authn_factor_fail', { userId: known?.userId, factorId: known?.factorId });
      throw error;
    }
  }

  /**
   * Does the work if the authenticator has counted on since its last use. If not, there are two of it,
   * and one is a thief's (WebAuthn §6.1.1): the owner is told, in a transaction that must be kept. One
   * statement compares and stores the number, so that two answers with the same one cannot both pass.
   * Lock the owner first.
   */
  async count<T>(tx: EntityManager, passkey: ProvenPasskey, work: () => Promise<T>) {
    const { factorId, userId, email, signCount } = passkey;
    const [counted] = await tx.sql<[unknown[], number]>`
      UPDATE passkeys SET sign_count = ${signCount}
      WHERE factor_id = ${factorId}
        AND (sign_count < ${signCount} OR (sign_count = 0 AND ${signCount} = 0))
      RETURNING true`;
    if (counted.length > 0) return work();
    const left = await tx.sql<unknown[]>`SELECT FROM passkeys WHERE factor_id = ${factorId}`;
    // Removed a moment ago: that is no copy.
    if (left.length === 0) return null;
    await this.mailer.send(tx, { to: email, template: 'passkeyCloned', values: {} });
    await this.log.record(tx, 'authn_passkey_cloned', { userId, factorId });
    return null;
  }

  private async find(credentialId: string): Promise<PasskeyRow | undefined> {
    const [row] = await this.dataSource.sql<SealedRow[]>`
      SELECT u.id, f.id AS "factorId", u.email, p.public_key AS "publicKey"
      FROM passkeys p JOIN factors f ON f.id = p.factor_id JOIN users u ON u.id = f.user_id
      WHERE p.credential_id = ${bytesOf(credentialId)} AND f.confirmed_at IS NOT NULL`;
    if (!row) return undefined;
    const { id: userId, ...passkey } = await this.addresses.open(this.dataSource, row);
    return { ...passkey, userId };
  }
}

/** WebAuthn §14.6.1: nothing personal, and the same for all passkeys of an account. */
export const userHandleOf = (userId: string) =>
  Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url');

/** WebAuthn §7.2, step 6: the authenticator and the database agree about who it is. */
function isOf({ userId }: PasskeyRow, { userHandle }: PasskeyAnswer, owner?: string): boolean {
  const isAsked = owner === undefined ? userHandle !== undefined : owner === userId;
  return isAsked && (userHandle === undefined || userHandle === userHandleOf(userId));
}
