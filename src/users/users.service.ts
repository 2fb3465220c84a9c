import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, IsNull, Repository, type EntityManager } from 'typeorm';
import type { Actor, Role } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { RevocationFeed } from '../access/revocation-feed.js';
import { SecurityLog } from '../audit/security-log.js';
import { acrossOwners } from '../database/acting.js';
import { BlindIndexes } from '../crypto/blind-indexes.js';
import type { Opened, Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { Cursors, rowsToRead } from '../http/cursors.js';
import { Problem } from '../http/problem.js';
import { User } from './user.entity.js';
import type { ChangeProfileRequest, ListUsersQuery } from './users.dto.js';

/** Whom to tell when the account goes. */
interface Leaving {
  email: string;
  deleteAt: Date;
}
type Tell = (tx: EntityManager, owner: Leaving) => Promise<void>;

type Profile = Opened<User>;

/** Stands in a list for an address or a name that somebody damaged: the others are still to be read. */
const UNREADABLE = 'unreadable@damaged.invalid';

@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly dataSource: DataSource,
    private readonly revocations: RevocationFeed,
    private readonly cursors: Cursors,
    private readonly log: SecurityLog,
    private readonly fields: SealedFields,
    private readonly indexes: BlindIndexes,
  ) {}

  /** Throws `not_found`. */
  async getOwn(actor: Actor): Promise<Profile> {
    return this.getById(actor.userId);
  }

  async changeOwn(actor: Actor, { displayName }: ChangeProfileRequest): Promise<Profile> {
    const changes = { displayName, id: actor.userId };
    await this.dataSource.transaction(async (tx) => {
      const sealed = await this.fields.seal(tx, User, changes);
      await tx.update(User, { id: actor.userId }, sealed);
      await this.log.record(tx, 'user_updated', { userId: actor.userId });
    });
    return this.getOwn(actor);
  }

  /** Throws `not_found`. For administrators: the route says so. */
  async getById(id: string): Promise<Profile> {
    const user = await this.users.findOneBy({ id });
    if (!user) throw new Problem('not_found');
    return this.fields.openOne(this.dataSource, User, user);
  }

  /** Whatever its address is: throws `not_found`. */
  async mustExist(id: string): Promise<void> {
    if (!(await this.users.existsBy({ id }))) throw new Problem('not_found');
  }

  async list(actor: Actor, { limit, cursor, email }: ListUsersQuery) {
    const list = ['users', actor.userId, email ?? null];
    const after = this.cursors.read(cursor, list);
    const query = this.users.createQueryBuilder('user');
    if (email) query.andWhere('user.email_index = :index', { index: this.indexes.email(email) });
    if (after) query.andWhere('(user.created_at, user.id) > (:value, :id)', after);
    const rows = await query
      .orderBy('user.created_at', 'ASC')
      .addOrderBy('user.id', 'ASC')
      .limit(rowsToRead(limit))
      .getMany();
    const people = await this.fields.openAll(this.dataSource, User, rows, UNREADABLE);
    return this.cursors.page(people, limit, list, ({ createdAt, id }) => ({
      value: createdAt.toISOString(),
      id,
    }));
  }

  /** Ends the user's sessions at once. Throws `not_found`, `last_administrator`, `forbidden`. */
  async changeRole(actor: Actor, userId: string, role: Role): Promise<Profile> {
    return this.administer(actor, userId, role === 'admin', async (tx) => {
      await tx.update(User, { id: userId }, { role });
      const facts = { userId, role, by: actor.userId };
      await this.log.record(tx, 'privilege_permissions_changed', facts);
    });
  }

  /**
   * Ends the user's sessions at once. Whoever is about to leave stays, and stays disabled: nobody gets
   * away from it by leaving and coming back. Throws `not_found`, `last_administrator`, `forbidden`.
   */
  async disable(actor: Actor, userId: string): Promise<Profile> {
    return this.administer(actor, userId, false, async (tx) => {
      await tx.sql`UPDATE users SET disabled_at = now(), delete_at = NULL
          WHERE id = ${userId} AND (disabled_at IS NULL OR delete_at IS NOT NULL) AND NOT is_erased`;
      await this.log.record(tx, 'authz_admin', { action: 'disable', userId, by: actor.userId });
    });
  }

  /** Who is about to leave does so all the same: that is the owner's to take back. */
  async enable(actor: Actor, userId: string): Promise<Profile> {
    return this.administer(actor, userId, true, async (tx) => {
      await tx.update(User, { id: userId, deleteAt: IsNull() }, { disabledAt: null });
      await this.log.record(tx, 'authz_admin', { action: 'enable', userId, by: actor.userId });
    });
  }

  /**
   * The account is disabled from now on, which ends its sessions, and goes after so many days. Throws
   * `last_administrator`, `invalid_token`.
   */
  async leave(actor: Actor, days: number, tell: Tell): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      // Not by the role in the token: he may have been promoted since.
      await this.keepAnAdministrator(tx, actor.userId);
      await tx.sql`SELECT FROM users WHERE id = ${actor.userId} FOR UPDATE`;
      await mustBeLive(tx, actor);
      const [leaving] = await tx.sql<
        [{ id: string; email: Sealed<string>; deleteAt: Date }[], number]
      >`
        UPDATE users SET disabled_at = now(), delete_at = now() + ${days} * interval '1 day'
        WHERE id = ${actor.userId} RETURNING id, email, delete_at AS "deleteAt"`;
      for (const owner of await this.fields.open(tx, User, leaving)) await tell(tx, owner);
      await this.log.record(tx, 'user_updated', { userId: actor.userId, change: 'leaving' });
    });
    await this.revocations.caughtUp();
  }

  /** Throws `forbidden` unless the caller is an administrator, and keeps him one until the end. */
  async mustBeAdministrator(tx: EntityManager, actor: Actor): Promise<string[]> {
    const administrators = await this.lockAdministrators(tx);
    // The token was checked before the lock: another administrator may have been faster.
    if (!administrators.includes(actor.userId)) throw new Problem('forbidden');
    return administrators;
  }

  private async administer(
    actor: Actor,
    userId: string,
    staysAdministrator: boolean,
    change: (tx: EntityManager) => Promise<unknown>,
  ): Promise<Profile> {
    await this.dataSource.transaction(async (tx) => {
      const administrators = await this.mustBeAdministrator(tx, actor);
      if (!staysAdministrator) refuseLast(administrators, userId);
      if (!(await tx.existsBy(User, { id: userId }))) throw new Problem('not_found');
      await change(tx);
    });
    await this.revocations.caughtUp();
    // Also where a value does not open: what was done is done.
    const rows = await this.users.findBy({ id: userId });
    const [profile] = await this.fields.openAll(this.dataSource, User, rows, UNREADABLE);
    if (!profile) throw new Problem('not_found');
    return profile;
  }

  private async keepAnAdministrator(tx: EntityManager, userId: string): Promise<void> {
    refuseLast(await this.lockAdministrators(tx), userId);
  }

  /** One at a time: two administrators who demote each other at once would leave none. */
  private async lockAdministrators(tx: EntityManager): Promise<string[]> {
    // Also for whoever asks for his own sake: he may be the last of them.
    const rows = await acrossOwners(
      () => tx.sql<{ id: string }[]>`
        SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL
        ORDER BY id FOR NO KEY UPDATE`,
    );
    return rows.map((row) => row.id);
  }
}

function refuseLast(administrators: string[], userId: string): void {
  if (administrators.length === 1 && administrators[0] === userId)
    throw new Problem('last_administrator');
}
