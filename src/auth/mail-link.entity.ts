import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  BlindIndex,
  Encrypted,
  Hashed,
  Plain,
  SealedFor,
  type Sealed,
} from '../crypto/protection.decorators.js';

@Entity('mail_links')
@SealedFor('userId')
export class MailLink {
  @PrimaryColumn('bytea', { name: 'token_hash' })
  @Hashed()
  tokenHash!: Buffer;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column('text')
  @Plain('one of a few words')
  purpose!: string;

  @Column('bytea', { name: 'from_index', nullable: true })
  @BlindIndex()
  fromIndex!: Buffer | null;

  @Column('bytea', { name: 'to_email', nullable: true })
  @Encrypted()
  toEmail!: Sealed<string>;

  @Column('bytea', { name: 'to_index', nullable: true })
  @BlindIndex()
  toIndex!: Buffer | null;
}
