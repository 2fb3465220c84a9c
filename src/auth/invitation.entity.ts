import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  BlindIndex,
  Encrypted,
  Hashed,
  SealedFor,
  type Sealed,
} from '../crypto/protection.decorators.js';

/** Nobody's yet: sealed with the app's own key. */
@Entity('invitations')
@SealedFor(null)
export class Invitation {
  @PrimaryColumn('bytea', { name: 'email_index' })
  @BlindIndex()
  emailIndex!: Buffer;

  @Column('bytea')
  @Encrypted()
  email!: Sealed<string>;

  @Column('bytea', { name: 'token_hash' })
  @Hashed()
  tokenHash!: Buffer;
}
