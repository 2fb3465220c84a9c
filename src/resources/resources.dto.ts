import { Choice, Integer, ListOf, Moment, Text, TextList, Uuid } from '../http/fields.js';
import { MAX_PAGE_SIZE, PageQuery, PageResponse } from '../http/page.dto.js';
import { PERMISSIONS, type Permission } from './resource-share.entity.js';

const ID = '0b8f6a52-6a0c-4e6e-9f0a-2f5d1c7b9e31';
const USER_ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const TIME = '2026-11-23T09:30:00.000Z';
const MAX_TITLE = 200;
const MAX_CONTENT = 20_000;
const LABELS = { max: 40, maxItems: 20, example: ['finance', '2026'] };

/** What a list may be ordered by; a leading "-" turns it round. Nothing else reaches ORDER BY. */
export const SORTS = [
  'createdAt',
  '-createdAt',
  'updatedAt',
  '-updatedAt',
  'title',
  '-title',
] as const;
export type Sort = (typeof SORTS)[number];
export const SHARED_SORTS = ['sharedAt', '-sharedAt'] as const;
export type SharedSort = (typeof SHARED_SORTS)[number];

export class ResourceParams {
  @Uuid({ example: ID })
  id!: string;
}

export class ShareParams extends ResourceParams {
  @Uuid({ example: USER_ID })
  userId!: string;
}

export class CreateResourceRequest {
  @Text({ min: 1, max: MAX_TITLE, example: 'Quarterly report' })
  title!: string;

  @Text({ max: MAX_CONTENT, example: 'Revenue went up.' })
  content!: string;

  @TextList({ ...LABELS, optional: true })
  labels?: string[];
}

export class ChangeResourceRequest {
  @Text({ min: 1, max: MAX_TITLE, example: 'Quarterly report', optional: true })
  title?: string;

  @Text({ max: MAX_CONTENT, example: 'Revenue went up by a tenth.', optional: true })
  content?: string;

  @TextList({ ...LABELS, optional: true })
  labels?: string[];
}

export class ListResourcesQuery extends PageQuery {
  @Choice({ of: SORTS, example: '-createdAt', optional: true, about: 'Newest first unless told.' })
  sort?: Sort;

  @Text({ min: 1, max: 40, example: 'finance', optional: true, about: 'Carries this label.' })
  label?: string;

  @Text({ min: 1, max: 100, example: 'report', optional: true, about: 'The title contains this.' })
  title?: string;
}

export class ListSharedQuery extends PageQuery {
  @Choice({ of: SHARED_SORTS, example: '-sharedAt', optional: true })
  sort?: SharedSort;
}

export class ShareRequest {
  @Choice({ of: PERMISSIONS, example: 'read', about: '"write" may change, not delete or share.' })
  permission!: Permission;
}

export class ResourceSummary {
  @Uuid({ example: ID })
  id!: string;

  @Uuid({ example: USER_ID })
  ownerId!: string;

  @Text({ max: MAX_TITLE, example: 'Quarterly report' })
  title!: string;

  @TextList(LABELS)
  labels!: string[];

  @Integer({ min: 1, max: 2_147_483_647, example: 1 })
  version!: number;

  @Moment({ example: TIME })
  createdAt!: Date;

  @Moment({ example: TIME })
  updatedAt!: Date;
}

export class ResourceResponse extends ResourceSummary {
  @Text({ max: MAX_CONTENT, example: 'Revenue went up.' })
  content!: string;
}

export class SharedResourceSummary extends ResourceSummary {
  @Choice({ of: PERMISSIONS, example: 'read' })
  permission!: Permission;

  @Moment({ example: TIME })
  sharedAt!: Date;
}

export class ShareResponse {
  @Uuid({ example: USER_ID })
  userId!: string;

  @Choice({ of: PERMISSIONS, example: 'read' })
  permission!: Permission;

  @Moment({ example: TIME })
  createdAt!: Date;
}

export class ResourcePageResponse extends PageResponse {
  @ListOf(() => ResourceSummary, { maxItems: MAX_PAGE_SIZE })
  items!: ResourceSummary[];
}

export class SharedPageResponse extends PageResponse {
  @ListOf(() => SharedResourceSummary, { maxItems: MAX_PAGE_SIZE })
  items!: SharedResourceSummary[];
}

export class SharePageResponse extends PageResponse {
  @ListOf(() => ShareResponse, { maxItems: MAX_PAGE_SIZE })
  items!: ShareResponse[];
}
