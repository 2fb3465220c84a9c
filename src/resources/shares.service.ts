import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import type { EventFacts } from '../audit/vocabulary.js';
import { isForeignKeyViolation } from '../database/database-errors.js';
import { Cursors, rowsToRead } from '../http/cursors.js';
import type { PageQuery } from '../http/page.dto.js';
import { Problem } from '../http/problem.js';
import { IS_OWNER } from './resource-access.js';
import { ResourceShare, type Permission } from './resource-share.entity.js';
import { ResourcesService } from './resources.service.js';

type Given = Pick<ResourceShare, 'userId' | 'permission'>;

@Injectable()
export class SharesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly resources: ResourcesService,
    private readonly cursors: Cursors,
    private readonly log: SecurityLog,
  ) {}

  /** Throws `not_found` for an unknown user too, `forbidden` for whom it is shared with. */
  async share(actor: Actor, id: string, userId: string, permission: Permission) {
    if (userId === actor.userId) throw new Problem('not_found');
    const share = await this.insert(actor, id, userId, permission);
    if (!share) throw await this.resources.refusal(actor, id, 'own');
    return share;
  }

  async list(actor: Actor, id: string, { limit, cursor }: PageQuery) {
    const list = ['shares', actor.userId, id];
    const after = this.cursors.read(cursor, list);
    const query = this.dataSource.manager
      .createQueryBuilder(ResourceShare, 'share')
      .innerJoin('resources', 'resources', 'resources.id = share.resource_id')
      .where('share.resource_id = :id', { id })
      .andWhere(IS_OWNER, { actor: actor.userId });
    if (after) query.andWhere('share.user_id > :value', { value: after.value });
    const rows = await query.orderBy('share.user_id', 'ASC').limit(rowsToRead(limit)).getMany();
    // No rows may also mean that the resource is not the actor's.
    if (rows.length === 0) await this.mustOwn(actor, id);
    return this.cursors.page(rows, limit, list, ({ userId }) => ({ value: userId, id: userId }));
  }

  /** The owner may end any share, a user the one that he was given. Throws `not_found`. */
  async end(actor: Actor, id: string, userId: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const [, count] = await tx.sql<[unknown, number]>`
      DELETE FROM resource_shares
      WHERE resource_id = ${id} AND user_id = ${userId} AND (
        user_id = ${actor.userId}
        OR EXISTS (SELECT FROM resources WHERE id = resource_id AND owner_id = ${actor.userId}))`;
      if (count === 0) throw new Problem('not_found');
      await this.record(tx, actor, id, { change: 'unshare', to: userId });
    });
  }

  private async mustOwn(actor: Actor, id: string): Promise<void> {
    const { ownerId } = await this.resources.get(actor, id);
    if (ownerId !== actor.userId) throw new Problem('forbidden');
  }

  private async insert(actor: Actor, id: string, userId: string, permission: Permission) {
    try {
      return await this.dataSource.transaction((tx) =>
        this.upsert(tx, actor, id, { userId, permission }),
      );
    } catch (error) {
      if (isForeignKeyViolation(error)) throw new Problem('not_found', { cause: error });
      throw error;
    }
  }

  /** Sharing twice changes the permission: the primary key decides races. */
  private async upsert(tx: EntityManager, actor: Actor, id: string, { userId, permission }: Given) {
    const [share] = await tx.sql<ResourceShare[]>`
        INSERT INTO resource_shares (resource_id, user_id, permission)
        SELECT id, ${userId}, ${permission} FROM resources
        WHERE id = ${id} AND owner_id = ${actor.userId}
        ON CONFLICT (resource_id, user_id) DO UPDATE SET permission = excluded.permission
        RETURNING user_id AS "userId", permission, created_at AS "createdAt"`;
    const facts = { change: 'share', to: userId, permission };
    if (share) await this.record(tx, actor, id, facts);
    return share;
  }

  private record(tx: EntityManager, { userId }: Actor, resourceId: string, facts: EventFacts) {
    return this.log.record(tx, 'privilege_permissions_changed', { userId, resourceId, ...facts });
  }
}
