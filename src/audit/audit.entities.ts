import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Hashed, Plain } from '../crypto/protection.decorators.js';

const TO_BE_SEARCHED = 'the administrator of an incident searches by it; it goes with its month';

@Entity('audit_events')
export class AuditEventRow {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  @Plain('one of a few words')
  event!: string;

  @Column('text')
  @Plain('one of two words')
  outcome!: string;

  @Column('text', { name: 'object_kind' })
  @Plain('one of a few words')
  objectKind!: string;

  @Column('inet')
  @Plain(TO_BE_SEARCHED)
  ip!: string;

  @Column('text', { name: 'request_id' })
  @Plain('random; it leads to the lines of the log')
  requestId!: string;

  /** Ids, codes and words of the app's own: see `FACT_NAMES`. */
  @Column('jsonb')
  @Plain('no secret, no address and no text of a client gets in')
  facts!: object;

  @Column('bytea')
  @Hashed()
  mac!: Buffer;
}

@Entity('audit_chain')
export class AuditLink {
  @PrimaryColumn('bigint')
  seq!: string;

  @Column('bytea', { name: 'event_mac' })
  @Hashed()
  eventMac!: Buffer;

  @Column('bytea')
  @Hashed()
  mac!: Buffer;
}

@Entity('audit_checkpoints')
export class AuditCheckpoint {
  @PrimaryColumn('bigint')
  seq!: string;

  @Column('text')
  @Plain('made to be handed out')
  statement!: string;
}
