import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DamagedValueError, DamageReports } from '../crypto/damage.js';
import { DataKeys } from '../crypto/data-keys.js';
import { keyIdOf, openValue, sealValue, type Place } from '../crypto/sealing.js';
import type { Queryable } from './queryable.js';

/** What the queue holds of a job: its data may have addresses, and links with their tokens. */
export interface SealedJob {
  sealed: string;
}

/** Seals what jobs carry, with the app's own key: each is bound to the id of its job. */
@Injectable()
export class SealedJobs {
  constructor(
    private readonly keys: DataKeys,
    private readonly damage: DamageReports,
  ) {}

  async seal(db: Queryable, data: object): Promise<{ id: string; data: SealedJob }> {
    const id = randomUUID();
    const key = this.keys.recallCurrent(null) ?? (await this.keys.currentOf(db, null));
    const sealed = sealValue(key, placeOf(id), Buffer.from(JSON.stringify(data)));
    return { id, data: { sealed: sealed.toString('base64') } };
  }

  /** Throws DamagedValueError, and reports it. */
  async open<Data>(db: Queryable, id: string, { sealed }: SealedJob): Promise<Data> {
    try {
      const bytes = Buffer.from(sealed, 'base64');
      const keyId = keyIdOf(bytes) ?? '';
      const key = this.keys.recall(keyId) ?? (await this.keys.find(db, [keyId])).get(keyId);
      if (!key || key.owner !== null) throw new Error('no key of the app');
      return JSON.parse(openValue(key, placeOf(id), bytes).toString()) as Data;
    } catch {
      this.damage.report(placeOf(id));
      throw new DamagedValueError(placeOf(id));
    }
  }
}

export const placeOf = (id: string): Place => ({ table: 'pgboss.job', column: 'data', row: [id] });
