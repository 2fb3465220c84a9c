import { idsOf } from './reseal.js';
import type { SealedRow } from './sealed-places.js';
import type { Place } from './sealing.js';

/** Of keys, and of values, so many are named: one damaged key may take a million rows along. */
export const MAX_NAMED = 20;

export interface DamagedKey {
  id: string;
  owner: string | null;
  reason: string;
}

/** What a rotation could not open. It stays as it is, and so do the keys that it names. */
export class RotationDamage {
  readonly keys: DamagedKey[] = [];
  readonly places: Place[] = [];
  rows = 0;
  private readonly keyIds = new Set<string>();

  addRow(row: SealedRow, places: Place[]): void {
    this.rows += 1;
    for (const id of idsOf(row)) this.keyIds.add(id);
    this.places.push(...places.slice(0, MAX_NAMED - this.places.length));
  }

  /** Whether somebody has to mend something before this key can go. */
  holds = (keyId: string): boolean => this.keyIds.has(keyId);

  get isNone(): boolean {
    return this.rows === 0 && this.keys.length === 0;
  }

  /** As the log names them. */
  named(): Place[] {
    const keys = this.keys.slice(0, MAX_NAMED);
    return [
      ...keys.map(({ id }) => ({ table: 'keys.data_keys', column: 'wrapped', row: [id] })),
      ...this.places,
    ];
  }

  /** For whoever has to mend it: no value, and no key. */
  lines(): string[] {
    const keys = this.keys
      .slice(0, MAX_NAMED)
      .map(({ id, owner, reason }) => `data key ${id} of ${owner ?? 'the app'}: ${reason}`);
    const values = this.places.map(
      ({ table, column, row }) => `${table}.${column} in row ${row.join(' ')}`,
    );
    return [...keys, ...values];
  }
}
