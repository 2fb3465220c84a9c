import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { BlindIndexes } from '../crypto/blind-indexes.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { Problem } from '../http/problem.js';

/** A client that retries after this long creates again. */
export const KEPT_HOURS = 24;

interface Keyed {
  key: string;
  request: object;
}

/** Runs a creation once for a key, whoever retries how often at the same time. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly indexes: BlindIndexes,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetOld());
  }

  async once<T extends { id: string }>(
    actor: Actor,
    { key, request }: Keyed,
    create: (tx: EntityManager) => Promise<T>,
    read: (id: string) => Promise<T>,
  ): Promise<T> {
    const requestHash = this.indexes.request(request);
    const created = await this.dataSource.transaction(async (tx) => {
      // A second request waits here until the first has committed, and then inserts nothing.
      const claimed = await tx.sql<unknown[]>`
        INSERT INTO idempotency_keys (user_id, key, request_hash)
        VALUES (${actor.userId}, ${key}, ${requestHash})
        ON CONFLICT DO NOTHING RETURNING true`;
      if (claimed.length === 0) return undefined;
      const result = await create(tx);
      await tx.sql`UPDATE idempotency_keys SET resource_id = ${result.id}
        WHERE user_id = ${actor.userId} AND key = ${key}`;
      return result;
    });
    return created ?? read(await this.createdBefore(actor, key, requestHash));
  }

  private forgetOld(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM idempotency_keys WHERE (user_id, key) IN (
      SELECT user_id, key FROM idempotency_keys
      WHERE created_at < now() - ${KEPT_HOURS} * interval '1 hour'
      LIMIT ${SWEEP_ROWS} FOR UPDATE SKIP LOCKED)`;
  }

  private async createdBefore(actor: Actor, key: string, requestHash: Buffer): Promise<string> {
    const [row] = await this.dataSource.sql<{ request_hash: Buffer; resource_id: string | null }[]>`
      SELECT request_hash, resource_id FROM idempotency_keys
      WHERE user_id = ${actor.userId} AND key = ${key}`;
    if (row && !row.request_hash.equals(requestHash)) throw new Problem('idempotency_key_reused');
    if (!row?.resource_id) throw new Problem('idempotency_key_spent');
    return row.resource_id;
  }
}
