import { Injectable, Logger } from '@nestjs/common';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { acrossOwners } from '../database/acting.js';
import { isForeignKeyViolation } from '../database/database-errors.js';
import type { Queryable } from '../database/queryable.js';
import { BoundedMap } from '../http/bounded-map.js';
import { bearerProblem } from '../http/problem.js';
import { KeyWrapper, type WrappedKey } from './key-wrapper.js';
import type { DataKey } from './sealing.js';

const KEY_BYTES = 32;
/** A key of an account that is gone is in no memory after this. */
export const KEY_AGE_MS = 5 * 60_000;
/** What is sealed anew is sealed with the owner's newest key, or with one that was it so long ago. */
export const CURRENT_AGE_MS = 60_000;
/** Up to twice as many keys in memory. */
const MAX_KEYS = 10_000;

interface KeyRow extends WrappedKey {
  id: string;
  owner: string | null;
  /** False for a row of the very transaction that reads it, which may still be rolled back. */
  isSettled: boolean;
}

/** A key that is not in the database yet. */
export interface NewDataKey extends DataKey, WrappedKey {}

const FIND = `SELECT id, owner_id AS owner, wrapped, kek, true AS "isSettled"
  FROM keys.data_keys WHERE id = ANY($1)`;
const CURRENT = `SELECT id, owner_id AS owner, wrapped, kek, created_at < now() AS "isSettled"
  FROM keys.data_keys WHERE owner_id IS NOT DISTINCT FROM $1 AND retired_at IS NULL`;
const CURRENTS = `SELECT id, owner_id AS owner, wrapped, kek, true AS "isSettled"
  FROM keys.data_keys
  WHERE retired_at IS NULL AND (owner_id = ANY($1) OR (owner_id IS NULL AND $2))`;
/** Of any number at once one is added: the index decides. */
const ADD = `INSERT INTO keys.data_keys (id, owner_id, wrapped, kek) VALUES ($1, $2, $3, $4)
  ON CONFLICT (owner_id) WHERE retired_at IS NULL DO NOTHING`;

/** A key for the values of each owner, and one of the app: wrapped in the database, open in memory. */
@Injectable()
export class DataKeys {
  private readonly logger = new Logger(DataKeys.name);
  private readonly byId = new BoundedMap<string, { key: DataKey; until: number }>(MAX_KEYS);
  private readonly currents = new BoundedMap<string, { key: DataKey; until: number }>(MAX_KEYS);

  constructor(private readonly wrapper: KeyWrapper) {}

  /** What is in memory. */
  recall(id: string): DataKey | undefined {
    return fresh(this.byId.get(id));
  }

  recallCurrent(owner: string | null): DataKey | undefined {
    return fresh(this.currents.get(owner ?? ''));
  }

  /** All of a page at once. Leaves out those that are unknown, or do not unwrap. */
  async find(db: Queryable, ids: string[]): Promise<Map<string, DataKey>> {
    const rows = await ask<KeyRow[]>(db, FIND, [ids]);
    const keys = await Promise.all(rows.map((row) => this.unwrap(row)));
    const until = performance.now() + KEY_AGE_MS;
    const found = keys.filter((key) => key !== undefined);
    for (const key of found) this.byId.set(key.id, { key, until });
    return new Map(found.map((key) => [key.id, key]));
  }

  /** The key that seals for this owner now; made where there is none. */
  async currentOf(db: Queryable, owner: string | null): Promise<DataKey> {
    const until = performance.now() + CURRENT_AGE_MS;
    const row = (await this.findCurrent(db, owner)) ?? (await this.add(db, owner));
    const key = await this.unwrap(row);
    if (!key) throw new Error('the data key of an owner does not unwrap');
    if (row.isSettled) this.currents.set(owner ?? '', { key, until });
    return key;
  }

  /** Of those who have one, past what is in memory: for whoever seals anew what others sealed. */
  async currentsOf(db: Queryable, owners: (string | null)[]): Promise<Map<string | null, DataKey>> {
    const ids = owners.filter((owner) => owner !== null);
    const rows = await ask<KeyRow[]>(db, CURRENTS, [ids, ids.length < owners.length]);
    const keys = await Promise.all(rows.map((row) => this.unwrap(row)));
    return new Map(keys.filter((key) => key !== undefined).map((key) => [key.owner, key]));
  }

  /** For whoever stores it in the statement that makes its owner. */
  async create(owner: string | null): Promise<NewDataKey> {
    const bytes = randomBytes(KEY_BYTES);
    const context = { id: bare(randomUUID()), owner };
    const wrapped = await this.wrapper.wrap(bytes, context);
    return { ...context, ...wrapped, key: createSecretKey(bytes) };
  }

  private async findCurrent(db: Queryable, owner: string | null): Promise<KeyRow | undefined> {
    const [row] = await ask<KeyRow[]>(db, CURRENT, [owner]);
    return row;
  }

  private async add(db: Queryable, owner: string | null): Promise<KeyRow> {
    const { id, wrapped, kek } = await this.create(owner);
    await ask(db, ADD, [id, owner, wrapped, kek]).catch(refuseGone);
    const row = await this.findCurrent(db, owner);
    if (!row) throw bearerProblem('invalid_token');
    return row;
  }

  private async unwrap({ id: uuid, owner, wrapped, kek }: KeyRow): Promise<DataKey | undefined> {
    const context = { id: bare(uuid), owner };
    try {
      const bytes = await this.wrapper.unwrap({ wrapped, kek }, context);
      return { ...context, key: createSecretKey(bytes) };
    } catch (error) {
      this.logger.error(`data key ${uuid} does not unwrap: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/** The caller's account was deleted meanwhile: there is nobody to seal for. */
function refuseGone(error: unknown): never {
  throw isForeignKeyViolation(error) ? bearerProblem('invalid_token', error) : error;
}

/** Whose key it is says the row that it opens: a shared one is opened with its owner's. */
const ask = <Rows>(db: Queryable, STATEMENT: string, values: unknown[]): Promise<Rows> =>
  acrossOwners(() => db.query<Rows>(STATEMENT, values));

const bare = (uuid: string) => uuid.replaceAll('-', '');

const fresh = (entry: { key: DataKey; until: number } | undefined): DataKey | undefined =>
  entry && performance.now() < entry.until ? entry.key : undefined;
