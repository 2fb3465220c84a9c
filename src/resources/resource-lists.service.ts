import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Cursors, rowsToRead, type Place } from '../http/cursors.js';
import { asFirst, IS_OWNER, OWNER_STAYS } from './resource-access.js';
import type { Permission } from './resource-share.entity.js';
import { SUMMARY, type Resource } from './resource.entity.js';
import type { ListResourcesQuery, ListSharedQuery, SharedSort, Sort } from './resources.dto.js';

type Direction = 'ASC' | 'DESC';

/**
 * The statements of one order, written out once: building them would take longer than running them.
 * `$1` is the caller, `$2` the number of rows, then comes the place after which the page begins,
 * then the label and the title that rows must have, either of which may be null.
 */
function statementsOf(column: string, direction: Direction) {
  const after = `(${column}, resources.id) ${direction === 'ASC' ? '>' : '<'} ($3, $4)`;
  const matching = (label: string, title: string) =>
    `(${label}::text IS NULL OR resources.labels @> ARRAY[${label}])
     AND (${title}::text IS NULL OR resources.title ILIKE ${title})`;
  const select = (...conditions: string[]) =>
    `SELECT ${SUMMARY} FROM resources WHERE ${[asFirst(IS_OWNER), ...conditions].join(' AND ')}
     ORDER BY ${column} ${direction}, resources.id ${direction} LIMIT $2`;
  return {
    first: select(),
    next: select(after),
    firstMatching: select(matching('$3', '$4')),
    nextMatching: select(after, matching('$5', '$6')),
  };
}

/** Each order that a client may name. An index serves each. */
const OWN = {
  createdAt: statementsOf('resources.created_at', 'ASC'),
  '-createdAt': statementsOf('resources.created_at', 'DESC'),
  updatedAt: statementsOf('resources.updated_at', 'ASC'),
  '-updatedAt': statementsOf('resources.updated_at', 'DESC'),
  title: statementsOf('resources.title COLLATE "C"', 'ASC'),
  '-title': statementsOf('resources.title COLLATE "C"', 'DESC'),
} as const satisfies Record<Sort, unknown>;

function sharedStatementsOf(direction: Direction) {
  const after = `(share.created_at, share.resource_id) ${direction === 'ASC' ? '>' : '<'} ($3, $4)`;
  const select = (...conditions: string[]) =>
    `SELECT ${SUMMARY}, share.permission, share.created_at AS "sharedAt"
     FROM resource_shares share JOIN resources ON resources.id = share.resource_id
     WHERE ${['share.user_id = $1', OWNER_STAYS, ...conditions].join(' AND ')}
     ORDER BY share.created_at ${direction}, share.resource_id ${direction} LIMIT $2`;
  return { first: select(), next: select(after) };
}

const SHARED = {
  sharedAt: sharedStatementsOf('ASC'),
  '-sharedAt': sharedStatementsOf('DESC'),
} as const satisfies Record<SharedSort, unknown>;

type Summary = Omit<Resource, 'content'>;

interface SharedResource extends Summary {
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
  async own(actor: Actor, query: ListResourcesQuery) {
    const { limit, cursor, sort = '-createdAt' } = query;
    const filters = filtersOf(query);
    const list = ['own', actor.userId, sort, ...filters];
    const place = valuesOf(this.cursors.read(cursor, list));
    const page =
      `${place.length > 0 ? 'next' : 'first'}${filters.length > 0 ? 'Matching' : ''}` as const;
    const values = [actor.userId, rowsToRead(limit), ...place, ...filters];
    const rows = await this.dataSource.query<Summary[]>(OWN[sort][page], values);
    return this.cursors.page(rows, limit, list, (row) => ({
      value: sortValue(row, sort),
      id: row.id,
    }));
  }

  /** What others share with the actor. Throws `invalid_cursor`. */
  async sharedWith(actor: Actor, { limit, cursor, sort = '-sharedAt' }: ListSharedQuery) {
    const list = ['shared', actor.userId, sort];
    const place = valuesOf(this.cursors.read(cursor, list));
    const rows = await this.dataSource.query<SharedResource[]>(
      SHARED[sort][place.length > 0 ? 'next' : 'first'],
      [actor.userId, rowsToRead(limit), ...place],
    );
    return this.cursors.page(rows, limit, list, ({ sharedAt, id }) => ({
      value: sharedAt.toISOString(),
      id,
    }));
  }
}

const valuesOf = (place: Place | undefined) => (place ? [place.value, place.id] : []);

/** The label and the title pattern that rows must have; empty when neither is asked for. */
function filtersOf({ label, title }: ListResourcesQuery): (string | null)[] {
  if (label === undefined && title === undefined) return [];
  return [label ?? null, title === undefined ? null : `%${escapeLike(title)}%`];
}

const sortValue = (row: Summary, sort: Sort): string => {
  const value = row[sort.replace('-', '') as 'createdAt' | 'updatedAt' | 'title'];
  return value instanceof Date ? value.toISOString() : value;
};

/** In LIKE, "%" and "_" match anything: a client's text is to match itself (ASVS 1.2.9). */
const escapeLike = (text: string) => text.replace(/[\\%_]/g, String.raw`\$&`);
