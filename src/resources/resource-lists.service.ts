import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Cursors, rowsToRead } from '../http/cursors.js';
import { IS_OWNER } from './resource-access.js';
import { ResourceShare, type Permission } from './resource-share.entity.js';
import { Resource } from './resource.entity.js';
import type { ListResourcesQuery, ListSharedQuery, SharedSort, Sort } from './resources.dto.js';

/** The column and direction of each order that a client may name. An index serves each. */
const ORDERS = {
  createdAt: ['resources.created_at', 'ASC'],
  '-createdAt': ['resources.created_at', 'DESC'],
  updatedAt: ['resources.updated_at', 'ASC'],
  '-updatedAt': ['resources.updated_at', 'DESC'],
  title: ['resources.title COLLATE "C"', 'ASC'],
  '-title': ['resources.title COLLATE "C"', 'DESC'],
} as const satisfies Record<Sort, readonly [column: string, direction: 'ASC' | 'DESC']>;

/** Where the page begins: after the last row of the page before, in the order of the list. */
const AFTER = {
  createdAt: '(resources.created_at, resources.id) > (:value, :id)',
  '-createdAt': '(resources.created_at, resources.id) < (:value, :id)',
  updatedAt: '(resources.updated_at, resources.id) > (:value, :id)',
  '-updatedAt': '(resources.updated_at, resources.id) < (:value, :id)',
  title: '(resources.title COLLATE "C", resources.id) > (:value, :id)',
  '-title': '(resources.title COLLATE "C", resources.id) < (:value, :id)',
} as const satisfies Record<Sort, string>;

const SUMMARY = [
  'resources.id',
  'resources.ownerId',
  'resources.title',
  'resources.labels',
  'resources.version',
  'resources.createdAt',
  'resources.updatedAt',
];

const SHARED_ORDERS = {
  sharedAt: ['ASC', '(share.created_at, share.resource_id) > (:value, :id)'],
  '-sharedAt': ['DESC', '(share.created_at, share.resource_id) < (:value, :id)'],
} as const satisfies Record<SharedSort, readonly [direction: 'ASC' | 'DESC', after: string]>;

const SHARED_SUMMARY = [
  'resources.id AS id',
  'resources.owner_id AS "ownerId"',
  'resources.title AS title',
  'resources.labels AS labels',
  'resources.version AS version',
  'resources.created_at AS "createdAt"',
  'resources.updated_at AS "updatedAt"',
  'share.permission AS permission',
  'share.created_at AS "sharedAt"',
];

interface SharedResource extends Omit<Resource, 'content'> {
  permission: Permission;
  sharedAt: Date;
}

@Injectable()
export class ResourceListsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cursors: Cursors,
  ) {}

  /** The actor's own. Throws `invalid_cursor`. */
  async own(
    actor: Actor,
    { limit, cursor, sort = '-createdAt', label, title }: ListResourcesQuery,
  ) {
    const list = ['own', actor.userId, sort, label ?? null, title ?? null];
    const after = this.cursors.read(cursor, list);
    const [column, direction] = ORDERS[sort];
    const query = this.dataSource.manager
      .createQueryBuilder(Resource, 'resources')
      .select(SUMMARY)
      .where(IS_OWNER, { actor: actor.userId });
    if (label) query.andWhere('resources.labels @> ARRAY[:label]', { label });
    if (title) query.andWhere(`resources.title ILIKE :title`, { title: `%${escapeLike(title)}%` });
    if (after) query.andWhere(AFTER[sort], after);
    const rows = await query
      .orderBy(column, direction)
      .addOrderBy('resources.id', direction)
      .limit(rowsToRead(limit))
      .getMany();
    return this.cursors.page(rows, limit, list, (row) => ({
      value: sortValue(row, sort),
      id: row.id,
    }));
  }

  /** What others share with the actor. Throws `invalid_cursor`. */
  async sharedWith(actor: Actor, { limit, cursor, sort = '-sharedAt' }: ListSharedQuery) {
    const list = ['shared', actor.userId, sort];
    const after = this.cursors.read(cursor, list);
    const [direction, afterPlace] = SHARED_ORDERS[sort];
    const query = this.dataSource.manager
      .createQueryBuilder(ResourceShare, 'share')
      .innerJoin(Resource, 'resources', 'resources.id = share.resource_id')
      .select(SHARED_SUMMARY)
      .where('share.user_id = :actor', { actor: actor.userId });
    if (after) query.andWhere(afterPlace, after);
    const rows = await query
      .orderBy('share.created_at', direction)
      .addOrderBy('share.resource_id', direction)
      .limit(rowsToRead(limit))
      .getRawMany<SharedResource>();
    return this.cursors.page(rows, limit, list, ({ sharedAt, id }) => ({
      value: sharedAt.toISOString(),
      id,
    }));
  }
}

const sortValue = (row: Resource, sort: Sort): string => {
  const value = row[sort.replace('-', '') as 'createdAt' | 'updatedAt' | 'title'];
  return value instanceof Date ? value.toISOString() : value;
};

/** In LIKE, "%" and "_" match anything: a client's text is to match itself (ASVS 1.2.9). */
const escapeLike = (text: string) => text.replace(/[\\%_]/g, String.raw`\$&`);
