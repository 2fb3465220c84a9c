import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  BlindIndex,
  Encrypted,
  Hashed,
  SealedFor,
  type Sealed,
} from '../crypto/protection.decorators.js';

/** Nobody's yet: sealed with the app's own key. Once it is over, there is neither address nor name. */
@Entity('sign_ups')
@SealedFor(null)
export class SignUp {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('bytea')
  @Encrypted()
  email!: Sealed<string>;

  @Column('bytea', { name: 'email_index' })
  @BlindIndex()
  emailIndex!: Buffer;

  @Column('bytea', { name: 'display_name' })
  @Encrypted()
  displayName!: Sealed<string>;

  @Column('text', { name: 'password_hash' })
  @Hashed()
  passwordHash!: string;

  @Column('bytea', { name: 'token_hash', nullable: true })
  @Hashed()
  tokenHash!: Buffer | null;
}
