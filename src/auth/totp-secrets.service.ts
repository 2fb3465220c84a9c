import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { FieldCipher, type Place } from '../crypto/field-cipher.js';
import { totpStepOf } from './totp.js';

interface SecretRow {
  id: string;
  sealed: Buffer;
}

/** The shared secrets, sealed: who copies the table cannot make codes (ASVS 6.5.1, 11.3). */
@Injectable()
export class TotpSecretsService {
  constructor(
    private readonly cipher: FieldCipher,
    private readonly log: SecurityLog,
  ) {}

  async add(tx: EntityManager, factorId: string, userId: string, secret: Uint8Array) {
    const sealed = this.cipher.seal(secret, placeOf(factorId, userId));
    await tx.sql`
      INSERT INTO totp_secrets (factor_id, secret_sealed) VALUES (${factorId}, ${sealed})`;
  }

  /** Whether the code is of this factor, confirmed or not, and its time step was not used before. */
  async spendOf(tx: EntityManager, factorId: string, userId: string, code: string) {
    const rows = await tx.sql<SecretRow[]>`
      SELECT f.id, s.secret_sealed AS sealed FROM factors f JOIN totp_secrets s ON s.factor_id = f.id
      WHERE f.id = ${factorId} AND f.user_id = ${userId}`;
    return this.spendAny(tx, rows, userId, code);
  }

  /** Whether the code is of any confirmed factor of this person, and was not used before. */
  async spend(tx: EntityManager, userId: string, code: string): Promise<boolean> {
    const rows = await tx.sql<SecretRow[]>`
      SELECT f.id, s.secret_sealed AS sealed FROM factors f JOIN totp_secrets s ON s.factor_id = f.id
      WHERE f.user_id = ${userId} AND f.confirmed_at IS NOT NULL ORDER BY f.id`;
    return this.spendAny(tx, rows, userId, code);
  }

  private async spendAny(tx: EntityManager, rows: SecretRow[], userId: string, code: string) {
    for (const { id, sealed } of rows) {
      const secret = this.open(sealed, id, userId);
      const step = secret && totpStepOf(secret, code);
      // RFC 6238 §5.2: one use. Of any number of parallel uses, one finds an older step.
      const [, spent] = step
        ? await tx.sql<[unknown, number]>`
            UPDATE totp_secrets SET last_step = ${step}
            WHERE factor_id = ${id} AND last_step < ${step}`
        : [undefined, 0];
      if (spent > 0) return true;
    }
    return false;
  }

  /** What does not open was put there by somebody else: no code is right for it. */
  private open(sealed: Buffer, factorId: string, userId: string): Buffer | undefined {
    try {
      return this.cipher.open(sealed, placeOf(factorId, userId));
    } catch {
      this.log.tell('data_integrity_fail', { table: 'totp_secrets', factorId, userId });
      return undefined;
    }
  }
}

/** The owner as well: a factor that is moved to somebody else is none. */
export const placeOf = (factorId: string, userId: string): Place => [
  'totp_secrets',
  'secret_sealed',
  factorId,
  userId,
];
