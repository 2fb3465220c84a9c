import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { Role } from '../access/actor.js';
import {
  BlindIndex,
  Encrypted,
  Hashed,
  Plain,
  SealedFor,
  type Sealed,
} from '../crypto/protection.decorators.js';

@Entity('users')
@SealedFor('id')
export class User {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column('bytea')
  @Encrypted()
  email!: Sealed<string>;

  /** Of the address in the one form in which addresses are compared: see `@Email()`. */
  @Column('bytea', { name: 'email_index', select: false })
  @BlindIndex()
  emailIndex!: Buffer;

  @Column('bytea', { name: 'display_name' })
  @Encrypted()
  displayName!: Sealed<string>;

  /** Not read unless a query asks for it by name. */
  @Column('text', { name: 'password_hash', select: false })
  @Hashed()
  passwordHash!: string;

  @Column('text')
  @Plain('one of two words')
  role!: Role;

  /** Kept by the database from what `factors` holds; never written from here. */
  @Column({ type: 'boolean', name: 'has_second_factor', insert: false, update: false })
  hasSecondFactor!: boolean;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt!: Date | null;

  /** When the account goes, as its owner asked. It is disabled until then. */
  @Column('timestamptz', { name: 'delete_at', nullable: true })
  deleteAt!: Date | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
