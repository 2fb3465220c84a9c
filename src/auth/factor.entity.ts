import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  Encrypted,
  Hashed,
  Plain,
  SealedFor,
  type Sealed,
} from '../crypto/protection.decorators.js';

@Entity('factors')
@SealedFor('userId')
export class Factor {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column('text')
  @Plain('one of a few words')
  kind!: string;

  /** "Work laptop": where somebody works, and with what. */
  @Column('bytea')
  @Encrypted()
  name!: Sealed<string>;
}

@Entity('totp_secrets')
@SealedFor('userId')
export class TotpSecret {
  @PrimaryColumn('uuid', { name: 'factor_id' })
  factorId!: string;

  /** Of the factor: no column here, and part of every statement that reads one. */
  userId!: string;

  /** Who copies the table cannot make codes (ASVS 6.5.1). */
  @Column('bytea', { name: 'secret_sealed' })
  @Encrypted('bytes')
  secret!: Sealed<Buffer>;
}

@Entity('passkeys')
export class Passkey {
  @PrimaryColumn('uuid', { name: 'factor_id' })
  factorId!: string;

  @Column('bytea', { name: 'credential_id' })
  @Plain('random, made by the authenticator; it signs nobody in')
  credentialId!: Buffer;

  @Column('bytea', { name: 'public_key' })
  @Plain('public by its nature')
  publicKey!: Buffer;
}

@Entity('passkey_challenges')
export class PasskeyChallenge {
  @PrimaryColumn('bytea', { name: 'challenge_hash' })
  @Hashed()
  challengeHash!: Buffer;

  @Column('text')
  @Plain('one of a few words')
  purpose!: string;
}

@Entity('recovery_codes')
export class RecoveryCode {
  @PrimaryColumn('bytea', { name: 'code_hash' })
  @Hashed()
  codeHash!: Buffer;
}

@Entity('second_factor_challenges')
export class SecondFactorChallenge {
  @PrimaryColumn('bytea', { name: 'token_hash' })
  @Hashed()
  tokenHash!: Buffer;

  @Column('bytea', { name: 'password_digest' })
  @Hashed()
  passwordDigest!: Buffer;
}
