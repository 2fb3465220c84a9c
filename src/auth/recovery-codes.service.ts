import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Mailer } from '../mail/mailer.js';
import type { Challenged } from './challenges.service.js';
import { hashToken } from './tokens.js';

export const RECOVERY_CODES = 10;
/** Sixteen characters of five bits: nobody tries all of 80 bits, not even with a copy of the table. */
const CODE_BYTES = 16;
/** Crockford's base 32: no two look alike on paper. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ALIKE: Record<string, string> = { O: '0', I: '1', L: '1' };

/** Codes on paper, for whoever lost the second factor. The database keeps hashes (ASVS 6.5.2). */
@Injectable()
export class RecoveryCodesService {
  constructor(
    private readonly mailer: Mailer,
    private readonly log: SecurityLog,
  ) {}

  /** New codes, shown once; the old ones are good for nothing from here on. */
  async replace(tx: EntityManager, userId: string): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, createCode);
    await tx.sql`DELETE FROM recovery_codes WHERE user_id = ${userId}`;
    await tx.sql`
      INSERT INTO recovery_codes (code_hash, user_id)
      SELECT unnest(${codes.map(hashOf)}::bytea[]), ${userId}`;
    return codes;
  }

  /** Whether the code was one of this person's. One statement decides: it is good for one use. */
  async spend(tx: EntityManager, { id, email }: Challenged, code: string): Promise<boolean> {
    const [spent] = await tx.sql<[unknown[], number]>`
      DELETE FROM recovery_codes WHERE code_hash = ${hashOf(code)} AND user_id = ${id}
      RETURNING true`;
    if (spent.length === 0) return false;
    // Who found the paper is noticed by whoever lost it (ASVS 6.3.7).
    await this.mailer.send(tx, { to: email, template: 'recoveryCodeUsed', values: {} });
    await this.log.record(tx, 'authn_recovery_code_used', { userId: id });
    return true;
  }

  /** They stand in for a factor; whoever has none left needs none of them. */
  async removeIdle(tx: EntityManager, userId: string): Promise<void> {
    await tx.sql`
      DELETE FROM recovery_codes WHERE user_id = ${userId} AND NOT EXISTS (
        SELECT FROM factors WHERE user_id = ${userId} AND confirmed_at IS NOT NULL)`;
  }

  async count(tx: EntityManager, userId: string): Promise<number> {
    const rows = await tx.sql<{ left: number }[]>`
      SELECT count(*)::int AS left FROM recovery_codes WHERE user_id = ${userId}`;
    return rows[0]?.left ?? 0;
  }
}

/** In groups of four, as people read. 256 is a multiple of 32: each character is as likely. */
function createCode(): string {
  const characters = Array.from(randomBytes(CODE_BYTES), (byte) => ALPHABET[byte % 32]);
  return characters.join('').replace(/(.{4})(?=.)/g, '$1-');
}

/** However it was copied from the paper. */
const hashOf = (code: string) =>
  hashToken(
    code
      .replace(/[\s-]/g, '')
      .toUpperCase()
      .replace(/[OIL]/g, (letter) => ALIKE[letter] ?? ''),
  );
