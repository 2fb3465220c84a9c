import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Encrypted, Plain, SealedFor, type Sealed } from '../crypto/protection.decorators.js';

@Entity('export_parts')
@SealedFor('userId')
export class ExportPart {
  @PrimaryColumn('uuid', { name: 'export_id' })
  exportId!: string;

  @PrimaryColumn('integer')
  number!: number;

  /** Of the export: no column here, and part of every statement that reads one. */
  userId!: string;

  @Column('text')
  @Plain('one of a few words')
  section!: string;

  @Column('bytea')
  @Encrypted()
  items!: Sealed<string>;
}
