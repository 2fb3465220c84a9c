import { ROLES, type Role } from '../access/actor.js';
import { Choice, Email, ListOf, Moment, Text, Uuid } from '../http/fields.js';
import { PageQuery, PageResponse } from '../http/page.dto.js';

const ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const TIME = '2026-11-23T09:30:00.000Z';

export class UserParams {
  @Uuid({ example: ID })
  id!: string;
}

export class ChangeProfileRequest {
  @Text({ max: 100, example: 'Ada Lovelace', about: 'Shown to nobody but you and administrators.' })
  displayName!: string;
}

export class ChangeRoleRequest {
  @Choice({ of: ROLES, example: 'admin' })
  role!: Role;
}

export class ListUsersQuery extends PageQuery {
  @Email({ example: 'ada@example.com', optional: true, about: 'Only the user with this address.' })
  email?: string;
}

export class ProfileResponse {
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
}

export class UserResponse extends ProfileResponse {
  @Moment({ example: null, nullable: true, about: 'Since when the account may not sign in.' })
  disabledAt!: Date | null;

  @Moment({ example: null, nullable: true, about: 'When it is deleted, as its owner asked.' })
  deleteAt!: Date | null;
}

export class UserPageResponse extends PageResponse {
  @ListOf(() => UserResponse, { maxItems: 100 })
  items!: UserResponse[];
}
