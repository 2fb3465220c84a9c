import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Plain } from '../crypto/protection.decorators.js';

export const PERMISSIONS = ['read', 'write'] as const;
export type Permission = (typeof PERMISSIONS)[number];

@Entity('resource_shares')
export class ResourceShare {
  @PrimaryColumn('uuid', { name: 'resource_id' })
  resourceId!: string;

  @PrimaryColumn('uuid', { name: 'user_id' })
  userId!: string;

  @Column('text')
  @Plain('one of two words')
  permission!: Permission;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
