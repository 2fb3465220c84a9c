import { Choice, ListOf, Moment, Text, Uuid } from '../http/fields.js';
import { PageQuery, PageResponse } from '../http/page.dto.js';
import { Address, Instant } from '../http/parameter-fields.js';
import { EVENTS, OUTCOMES, type Outcome } from './vocabulary.js';

const ID = '7f1a2c9e-4b1d-4f6a-9a52-3c8d1e0b5f47';
const TIME = '2026-11-23T09:30:00.000Z';
const IP = '192.0.2.7';
const MAX_FACT = 100;
/** You, somebody who administers, or nobody who was signed in. */
export const DOERS = ['you', 'administrator', 'unknown'] as const;

export class ListAuditEventsQuery extends PageQuery {
  @Choice({ of: EVENTS, example: 'authn_login_fail', optional: true })
  event?: string;

  @Choice({ of: OUTCOMES, example: 'failure', optional: true })
  outcome?: Outcome;

  @Uuid({ example: ID, optional: true, about: 'Only what happened to this user.' })
  userId?: string;

  @Uuid({ example: ID, optional: true, about: 'Only what this user did.' })
  actorId?: string;

  @Address({ example: IP, optional: true, about: 'Only what came from this address.' })
  ip?: string;

  @Instant({ example: TIME, optional: true, about: 'Not before this time.' })
  from?: string;

  @Instant({ example: TIME, optional: true, about: 'Before this time.' })
  to?: string;
}

export class FactResponse {
  @Text({ max: MAX_FACT, example: 'change' })
  name!: string;

  @Text({ max: MAX_FACT, example: 'email' })
  value!: string;
}

class EventResponse {
  @Uuid({ example: ID })
  id!: string;

  @Moment({ example: TIME })
  recordedAt!: Date;

  @Choice({ of: EVENTS, example: 'authn_login_success' })
  event!: string;

  @Choice({ of: OUTCOMES, example: 'success' })
  outcome!: Outcome;
}

export class AuditEventResponse extends EventResponse {
  @Uuid({ example: ID, nullable: true, about: 'Who did it; nobody who was signed in, if null.' })
  actorId!: string | null;

  @Uuid({ example: ID, nullable: true, about: 'To whom it happened.' })
  userId!: string | null;

  @Text({ max: 20, example: 'session', nullable: true })
  objectKind!: string | null;

  @Uuid({ example: ID, nullable: true })
  objectId!: string | null;

  @Text({ max: 45, example: IP, nullable: true })
  ip!: string | null;

  @Text({ max: 32, example: '0af7651916cd43dd8448eb211c80319c', nullable: true })
  requestId!: string | null;

  @ListOf(() => FactResponse, { maxItems: 20 })
  facts!: FactResponse[];
}

export class AuditEventPageResponse extends PageResponse {
  @ListOf(() => AuditEventResponse, { maxItems: 100 })
  items!: AuditEventResponse[];
}

export class SecurityEventResponse extends EventResponse {
  @Choice({ of: DOERS, example: 'you' })
  by!: string;

  @Text({ max: 45, example: IP, nullable: true, about: 'From where, if it was you.' })
  ip!: string | null;

  @Text({ max: MAX_FACT, example: 'email', nullable: true, about: 'What of it changed.' })
  change!: string | null;
}

export class SecurityEventPageResponse extends PageResponse {
  @ListOf(() => SecurityEventResponse, { maxItems: 100 })
  items!: SecurityEventResponse[];
}
