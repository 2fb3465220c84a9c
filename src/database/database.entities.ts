import { Column, Entity, PrimaryColumn } from 'typeorm';
import { BlindIndex, Plain } from '../crypto/protection.decorators.js';

@Entity('throttles')
export class Throttle {
  @PrimaryColumn('bytea')
  @BlindIndex()
  key!: Buffer;
}

/** TypeORM's own. */
@Entity('migrations')
export class Migration {
  @PrimaryColumn('integer')
  id!: number;

  @Column('varchar')
  @Plain('the name of a file of ours')
  name!: string;

  @Column('text', { nullable: true })
  @Plain('the hash of a file of ours')
  hash!: string | null;
}
