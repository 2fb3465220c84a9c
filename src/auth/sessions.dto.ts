import { Flag, ListOf, Moment, Text, Uuid } from '../http/fields.js';
import { PageResponse } from '../http/page.dto.js';

const ID = '0b6c5a1e-9d44-4a0b-8f0e-5f3f6a7c2d18';
const TIME = '2026-11-23T09:30:00.000Z';

export class SessionParams {
  @Uuid({ example: ID })
  id!: string;
}

export class UserSessionsParams {
  @Uuid({ example: ID, about: 'The user.' })
  id!: string;
}

export class SessionResponse {
  @Uuid({ example: ID })
  id!: string;

  @Text({ max: 60, example: 'Firefox on Linux', about: 'As the client said when it signed in.' })
  device!: string;

  @Text({
    max: 50,
    nullable: true,
    example: '192.0.2.0/24',
    about: 'The network that it signed in from: never the whole address.',
  })
  network!: string | null;

  @Moment({ example: TIME })
  createdAt!: Date;

  @Moment({ example: TIME, about: 'When it was last given tokens.' })
  lastUsedAt!: Date;

  @Flag({ example: true, about: 'Whether it is the one that asks.' })
  current!: boolean;
}

export class SessionPageResponse extends PageResponse {
  @ListOf(() => SessionResponse, { maxItems: 100 })
  items!: SessionResponse[];
}
