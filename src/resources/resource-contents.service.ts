import { Injectable } from '@nestjs/common';
import type { Opened, Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import type { Queryable } from '../database/queryable.js';
import { Resource } from './resource.entity.js';

/** What a statement reads of `resources`. */
export interface SealedContent {
  id: string;
  ownerId: string;
  content: Sealed<string>;
}

/** The contents of resources, for the feature that copies them for their owner. */
@Injectable()
export class ResourceContentsService {
  constructor(private readonly fields: SealedFields) {}

  /** One that is damaged must not end the copy of all others. */
  async openAll<R extends SealedContent>(db: Queryable, rows: R[]): Promise<Opened<R>[]> {
    return this.fields.openAll(db, Resource, rows);
  }
}
