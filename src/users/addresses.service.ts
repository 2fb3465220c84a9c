import { Injectable } from '@nestjs/common';
import { BlindIndexes } from '../crypto/blind-indexes.js';
import type { Opened, Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import type { Queryable } from '../database/queryable.js';
import { User } from './user.entity.js';

/** What a statement reads of `users`. */
interface Addressed {
  id: string;
  email: Sealed<string>;
}

/** The addresses of accounts, for the features that write to their owners. */
@Injectable()
export class AddressesService {
  constructor(
    private readonly fields: SealedFields,
    private readonly indexes: BlindIndexes,
  ) {}

  /** By which an address is found: the same in every table. */
  indexOf(email: string): Buffer {
    return this.indexes.email(email);
  }

  /** Opens the address, and the name where it was read. */
  async open<R extends Addressed>(db: Queryable, row: R): Promise<Opened<R>>;
  async open<R extends Addressed>(db: Queryable, row?: R): Promise<Opened<R> | undefined>;
  async open<R extends Addressed>(db: Queryable, row?: R): Promise<Opened<R> | undefined> {
    return row && this.fields.openOne(db, User, row);
  }

  /** To be stored as the address of this account. */
  async seal(db: Queryable, id: string, email: string): Promise<Sealed<string>> {
    return (await this.fields.seal(db, User, { id, email })).email;
  }
}
