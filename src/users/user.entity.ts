import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { Role } from '../access/actor.js';

@Entity('users')
export class User {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  /** In the one form in which addresses are compared: see `@Email()`. */
  @Column('text')
  email!: string;

  @Column('text', { name: 'display_name' })
  displayName!: string;

  /** Not read unless a query asks for it by name. */
  @Column('text', { name: 'password_hash', select: false })
  passwordHash!: string;

  @Column('text')
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
