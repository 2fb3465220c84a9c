import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { randomUUID } from 'node:crypto';
import { IsNull, Not, Repository, type EntityManager } from 'typeorm';
import type { Role } from '../access/actor.js';
import { BlindIndexes } from '../crypto/blind-indexes.js';
import { DataKeys } from '../crypto/data-keys.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { User } from './user.entity.js';

export interface Credentials {
  id: string;
  passwordHash: string;
}

export interface LockedCredentials extends Credentials {
  email: string;
  hasSecondFactor: boolean;
}

export interface NewUser {
  email: string;
  displayName: string;
  passwordHash: string;
  role: Role;
}

/** The only place that reads a password hash. */
@Injectable()
export class CredentialsService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly keys: DataKeys,
    private readonly fields: SealedFields,
    private readonly indexes: BlindIndexes,
  ) {}

  find(who: { email: string } | { id: string }): Promise<Credentials | null> {
    const where = 'email' in who ? { emailIndex: this.indexes.email(who.email) } : who;
    return this.users.findOne({ where, select: { id: true, passwordHash: true } });
  }

  /** The same password, hashed anew. Answers whether it was still the one that was checked. */
  async replaceHash({ id, passwordHash }: Credentials, newHash: string): Promise<boolean> {
    const [, count] = await this.users.manager.sql<[unknown, number]>`
      UPDATE users SET password_hash = ${newHash} WHERE id = ${id} AND password_hash = ${passwordHash}`;
    return count > 0;
  }

  /** Whether the owner has asked for the end of this account. */
  isLeaving({ id }: Credentials): Promise<boolean> {
    return this.users.existsBy({ id, deleteAt: Not(IsNull()) });
  }

  /** Of the newest sign-up that waits, or waited, for the link of its mail. */
  async findPendingHash(email: string): Promise<string | undefined> {
    const rows = await this.users.manager.sql<{ passwordHash: string }[]>`
      SELECT password_hash AS "passwordHash" FROM sign_ups
      WHERE email_index = ${this.indexes.email(email)} AND expires_at > now()
      ORDER BY created_at DESC LIMIT 1`;
    return rows[0]?.passwordHash;
  }

  /** Locked until the transaction ends: nobody changes the password or disables the account meanwhile. */
  async lock(tx: EntityManager, id: string): Promise<LockedCredentials | null> {
    const [row] = await tx.sql<(Omit<LockedCredentials, 'email'> & { email: Sealed<string> })[]>`
      SELECT id, email, password_hash AS "passwordHash", has_second_factor AS "hasSecondFactor"
      FROM users WHERE id = ${id} AND disabled_at IS NULL FOR SHARE`;
    return row ? this.fields.openOne(tx, User, row) : null;
  }

  /** Answers the new id, or nothing when the address is taken: the constraint decides races. */
  async create(tx: EntityManager, user: NewUser): Promise<string | undefined> {
    const { passwordHash, role } = user;
    const id = randomUUID();
    const key = await this.keys.create(id);
    const { email, displayName } = this.fields.sealWith(key, User, { ...user, id });
    // The person and the key in one statement: neither is ever there without the other.
    const rows = await tx.sql<{ id: string }[]>`
      WITH person AS (
        INSERT INTO users (id, email, email_index, display_name, password_hash, role)
        VALUES (${id}, ${email}, ${this.indexes.email(user.email)}, ${displayName}, ${passwordHash}, ${role})
        ON CONFLICT (email_index) DO NOTHING RETURNING id
      ), key AS (
        INSERT INTO keys.data_keys (id, owner_id, wrapped, kek)
        SELECT ${key.id}::uuid, id, ${key.wrapped}, ${key.kek} FROM person
      ), invited AS (
        DELETE FROM invitations WHERE email_index IN (
          SELECT email_index FROM invitations
          WHERE email_index = ${this.indexes.email(user.email)} FOR UPDATE SKIP LOCKED)
      )
      SELECT id FROM person`;
    return rows[0]?.id;
  }
}
