import { ROLES, type Role } from '../access/actor.js';
import {
  Choice,
  Email,
  Flag,
  Integer,
  ListOf,
  Moment,
  SecretText,
  Text,
  TextList,
  Uuid,
} from '../http/fields.js';

const ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const TIME = '2026-11-23T09:30:00.000Z';
/** Of each list in an export; its size has a bound of its own. */
const MAX_ITEMS = 1_000_000;
const PERMISSIONS = ['read', 'write'] as const;

export class ExportRequest {
  @SecretText({
    max: 512,
    example: 'correct horse battery staple',
    about: 'A stolen access token alone must not be able to take all there is at once.',
  })
  currentPassword!: string;
}

export class DownloadExportRequest {
  @SecretText({
    max: 128,
    example: 'pEUuK7zZcXoWfFfVb1xM2Z8qjJ0lqg0F3Gm0e4oQ8jY',
    about: 'What stands behind the "#" of the link in the mail.',
  })
  token!: string;
}

export class ExportResponse {
  @Moment({ example: TIME })
  createdAt!: Date;

  @Moment({ example: TIME, about: 'Afterwards it is deleted.' })
  expiresAt!: Date;
}

export class ExportedSession {
  @Uuid({ example: ID })
  id!: string;

  @Text({ max: 60, example: 'Firefox on Linux' })
  device!: string;

  @Text({ max: 50, example: '10.1.2.0/24', nullable: true })
  network!: string | null;

  @Moment({ example: TIME })
  createdAt!: Date;

  @Moment({ example: TIME })
  expiresAt!: Date;

  @Moment({ example: null, nullable: true })
  revokedAt!: Date | null;
}

/** Of the other one the id, and nothing else: the rest is not the owner's to take along. */
export class ExportedShare {
  @Uuid({ example: ID, about: 'With whom it is shared, or who shares it.' })
  userId!: string;

  @Choice({ of: PERMISSIONS, example: 'read' })
  permission!: string;

  @Moment({ example: TIME })
  createdAt!: Date;
}

export class ExportedSharedResource extends ExportedShare {
  @Uuid({ example: ID })
  resourceId!: string;
}

export class ExportedResource {
  @Uuid({ example: ID })
  id!: string;

  @Text({ max: 200, example: 'Plan' })
  title!: string;

  @Text({ max: 20_000, example: 'My secret plan' })
  content!: string;

  @TextList({ max: 50, maxItems: 20, example: ['plan'] })
  labels!: string[];

  @Integer({ min: 1, max: 2_147_483_647, example: 1 })
  version!: number;

  @Moment({ example: TIME })
  createdAt!: Date;

  @Moment({ example: TIME })
  updatedAt!: Date;

  @ListOf(() => ExportedShare, { maxItems: MAX_ITEMS })
  sharedWith!: ExportedShare[];
}

export class ExportDocument {
  @Moment({ example: TIME, about: 'All of it is as it was at one moment, soon after this.' })
  exportedAt!: Date;

  @Flag({ example: true, about: 'False if there was more than an export can hold.' })
  isComplete!: boolean;

  @Uuid({ example: ID })
  id!: string;

  @Email({ example: 'ada@example.com' })
  email!: string;

  @Text({ max: 100, example: 'Ada Lovelace' })
  displayName!: string;

  @Choice({ of: ROLES, example: 'user' })
  role!: Role;

  @Moment({ example: TIME })
  createdAt!: Date;

  @ListOf(() => ExportedSession, { maxItems: MAX_ITEMS })
  sessions!: AsyncIterable<ExportedSession>;

  @ListOf(() => ExportedResource, { maxItems: MAX_ITEMS })
  resources!: AsyncIterable<ExportedResource>;

  @ListOf(() => ExportedSharedResource, { maxItems: MAX_ITEMS, about: 'What others share.' })
  sharedWithMe!: AsyncIterable<ExportedSharedResource>;
}
