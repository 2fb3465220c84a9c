import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DamagedValueError } from '../crypto/damage.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { TotpSecret } from './factor.entity.js';
import { totpStepOf } from './totp.js';

type SecretRow = Omit<TotpSecret, 'userId'>;

/** The shared secrets of authenticator apps. */
@Injectable()
export class TotpSecretsService {
  constructor(private readonly fields: SealedFields) {}

  async add(tx: EntityManager, factorId: string, userId: string, secret: Buffer) {
    const sealed = await this.fields.seal(tx, TotpSecret, { factorId, userId, secret });
    await tx.sql`
      INSERT INTO totp_secrets (factor_id, secret_sealed) VALUES (${factorId}, ${sealed.secret})`;
  }

  /** Whether the code is of this factor, confirmed or not, and its time step was not used before. */
  async spendOf(tx: EntityManager, factorId: string, userId: string, code: string) {
    const rows = await tx.sql<SecretRow[]>`
      SELECT s.factor_id AS "factorId", s.secret_sealed AS secret
      FROM factors f JOIN totp_secrets s ON s.factor_id = f.id
      WHERE f.id = ${factorId} AND f.user_id = ${userId}`;
    return this.spendAny(tx, rows, userId, code);
  }

  /** Whether the code is of any confirmed factor of this person, and was not used before. */
  async spend(tx: EntityManager, userId: string, code: string): Promise<boolean> {
    const rows = await tx.sql<SecretRow[]>`
      SELECT s.factor_id AS "factorId", s.secret_sealed AS secret
      FROM factors f JOIN totp_secrets s ON s.factor_id = f.id
      WHERE f.user_id = ${userId} AND f.confirmed_at IS NOT NULL ORDER BY f.id`;
    return this.spendAny(tx, rows, userId, code);
  }

  /** Throws DamagedValueError where a secret does not open and no other takes the code: it may be right. */
  private async spendAny(tx: EntityManager, rows: SecretRow[], userId: string, code: string) {
    let damage: DamagedValueError | undefined;
    for (const row of rows) {
      try {
        // Of the one who types the code: a factor that is moved to somebody else is none.
        if (await this.spendOne(tx, { ...row, userId }, code)) return true;
      } catch (error) {
        if (!(error instanceof DamagedValueError)) throw error;
        damage = error;
      }
    }
    if (damage) throw damage;
    return false;
  }

  private async spendOne(tx: EntityManager, row: TotpSecret, code: string): Promise<boolean> {
    const id = row.factorId;
    const { secret } = await this.fields.openOne(tx, TotpSecret, row);
    const step = totpStepOf(secret, code);
    if (!step) return false;
    // RFC 6238 §5.2: one use. Of any number of parallel uses, one finds an older step.
    const [, spent] = await tx.sql<[unknown, number]>`
      UPDATE totp_secrets SET last_step = ${step}
      WHERE factor_id = ${id} AND last_step < ${step}`;
    return spent > 0;
  }
}
