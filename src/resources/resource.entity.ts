import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { Encrypted, Plain, SealedFor, type Sealed } from '../crypto/protection.decorators.js';

@Entity('resources')
@SealedFor('ownerId')
export class Resource {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'owner_id' })
  ownerId!: string;

  @Column('text')
  @Plain('the database sorts and searches titles: what is secret belongs into the content')
  title!: string;

  @Column('bytea')
  @Encrypted()
  content!: Sealed<string>;

  @Column('text', { array: true })
  @Plain('the database filters by labels')
  labels!: string[];

  /** Counts the changes; leaves as the ETag. */
  @Column('integer', { default: 1 })
  version!: number;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

/** The columns that a list shows, under the names of their properties. */
export const SUMMARY = `resources.id, resources.owner_id AS "ownerId", resources.title,
  resources.labels, resources.version,
  resources.created_at AS "createdAt", resources.updated_at AS "updatedAt"`;
