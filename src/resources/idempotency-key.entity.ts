import { Entity, PrimaryColumn, Column } from 'typeorm';
import { BlindIndex, Plain } from '../crypto/protection.decorators.js';

@Entity('idempotency_keys')
export class IdempotencyKey {
  @PrimaryColumn('uuid', { name: 'user_id' })
  userId!: string;

  @PrimaryColumn('text')
  @Plain('random, chosen by the client, and good for nothing but a repetition by the same person')
  key!: string;

  @Column('bytea', { name: 'request_hash' })
  @BlindIndex()
  requestHash!: Buffer;
}
