import { Injectable } from '@nestjs/common';
import type { Queryable } from '../database/queryable.js';
import { DamagedValueError, DamageReports, UNREADABLE } from './damage.js';
import { DataKeys } from './data-keys.js';
import { sealedTableOf, type Opened, type SealedTable } from './protection.decorators.js';
import { keyIdOf, openValue, sealValue, type DataKey, type Place } from './sealing.js';

type Class<E> = new () => E;
type Row = Record<string, unknown>;
type Field = SealedTable['fields'][number];
/** The properties of an entity that a row may bring, in their open form. */
type Plaintext<E> = { [K in keyof E]?: Opened<E>[K] | undefined };
/** The same row with what is to be stored. */
export type Stored<E, V> = { [K in keyof V]: K extends keyof E ? E[K] : V[K] };

/** Seals and opens the columns that entities declare `@Encrypted()`. */
@Injectable()
export class SealedFields {
  constructor(
    private readonly keys: DataKeys,
    private readonly damage: DamageReports,
  ) {}

  /** The row needs its primary key and its owner beside what is to be sealed. */
  async seal<E, V extends Plaintext<E>>(
    db: Queryable,
    entity: Class<E>,
    values: V,
  ): Promise<Stored<E, V>> {
    const owner = ownerOf(sealedTableOf(entity), values);
    const key = this.keys.recallCurrent(owner) ?? (await this.keys.currentOf(db, owner));
    return this.sealWith(key, entity, values);
  }

  /** With a key that the caller has at hand: the owner is made in the same statement. */
  sealWith<E, V extends Plaintext<E>>(key: DataKey, entity: Class<E>, values: V): Stored<E, V> {
    const table = sealedTableOf(entity);
    const row: Row = { ...values };
    for (const field of table.fields) {
      const value = row[field.property];
      if (value !== undefined && value !== null)
        row[field.property] = sealValue(key, placeOf(table, field, row), bytesOf(value));
    }
    return row as Stored<E, V>;
  }

  /** Opens rows of this entity in place. Throws DamagedValueError, and reports it. */
  open<R extends object>(db: Queryable, entity: Class<unknown>, rows: R[]): Promised<Opened<R>[]> {
    return this.openRows(db, sealedTableOf(entity), rows as Row[]) as Promised<Opened<R>[]>;
  }

  async openOne<R extends object>(
    db: Queryable,
    entity: Class<unknown>,
    row: R,
  ): Promise<Opened<R>> {
    await this.openRows(db, sealedTableOf(entity), [row as Row]);
    return row as Opened<R>;
  }

  /** For a list, which one damaged row must not end: `placeholder` stands for what does not open. */
  async openAll<R extends object>(
    db: Queryable,
    entity: Class<unknown>,
    rows: R[],
    placeholder = UNREADABLE,
  ): Promise<Opened<R>[]> {
    return this.openRows(db, sealedTableOf(entity), rows as Row[], placeholder) as Promise<
      Opened<R>[]
    >;
  }

  private openRows(
    db: Queryable,
    table: SealedTable,
    rows: Row[],
    placeholder?: string,
  ): Promised<Row[]> {
    const missing = this.missingKeys(table, rows);
    const openAll = (found?: Map<string, DataKey>) => {
      for (const row of rows) this.openRow(table, row, { found, placeholder });
      return rows;
    };
    return missing.length === 0 ? openAll() : this.keys.find(db, missing).then(openAll);
  }

  private missingKeys({ fields }: SealedTable, rows: Row[]): string[] {
    const missing = new Set<string>();
    for (const row of rows)
      for (const { property } of fields) {
        const id = row[property] instanceof Uint8Array && keyIdOf(row[property] as Buffer);
        if (id && !this.keys.recall(id)) missing.add(id);
      }
    return [...missing];
  }

  private openRow(table: SealedTable, row: Row, how: Opening): void {
    for (const field of table.fields) {
      const sealed = row[field.property];
      if (sealed === undefined || sealed === null) continue;
      row[field.property] = this.openField({ table, field, row }, sealed as Buffer, how);
    }
  }

  private openField({ table, field, row }: Position, sealed: Buffer, how: Opening) {
    const place = placeOf(table, field, row);
    const id = keyIdOf(sealed) ?? '';
    const key = how.found?.get(id) ?? this.keys.recall(id);
    // Throws for a statement that forgot the owner, which is no damage.
    const owner = ownerOf(table, row);
    try {
      return open(key, owner, { place, sealed, as: field.as });
    } catch {
      this.damage.report(place);
      if (how.placeholder === undefined) throw new DamagedValueError(place);
      return how.placeholder;
    }
  }
}

interface Position {
  table: SealedTable;
  field: Field;
  row: Row;
}

interface Opening {
  found: Map<string, DataKey> | undefined;
  placeholder: string | undefined;
}

type Promised<T> = T | Promise<T>;

interface SealedValue extends Pick<Field, 'as'> {
  place: Place;
  sealed: Buffer;
}

/** The owner of the key as well: a row that is moved to somebody else, with all it holds, does not open. */
function open(key: DataKey | undefined, owner: string | null, { place, sealed, as }: SealedValue) {
  if (!key || key.owner !== owner) throw new Error('no key of this owner');
  const bytes = openValue(key, place, sealed);
  return as === 'text' ? bytes.toString('utf8') : bytes;
}

function ownerOf({ table, owner }: SealedTable, row: Row): string | null {
  if (owner === null) return null;
  const id = row[owner];
  if (typeof id !== 'string') throw new Error(`a row of ${table} needs "${owner}" to be opened`);
  return id;
}

const placeOf = ({ table, keys }: SealedTable, { column }: Field, row: Row): Place => ({
  table,
  column,
  row: keys.map(({ property }) => {
    const value = row[property];
    if (value === undefined) throw new Error(`a row of ${table} needs "${property}" to be opened`);
    return Buffer.isBuffer(value) ? value.toString('hex') : `${value as string | number}`;
  }),
});

const bytesOf = (value: unknown): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array);
