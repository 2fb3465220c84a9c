import { Injectable } from '@nestjs/common';
import type { Place } from './sealing.js';

/** Where something is not as it was sealed. Never the value. */
export type DamageListener = (place: { table: string; column: string; row: string }) => void;

/** Stands for a text that does not open, where the rest is still to be read. */
export const UNREADABLE = '(unreadable: damaged)';

/** A value does not open. The client learns nothing of it; the place is for the log. */
export class DamagedValueError extends Error {
  constructor({ table, column, row }: Place) {
    super(`the sealed value of ${table}.${column} in row ${row.join(' ')} does not open`);
  }
}

/** Tells whoever listens of values that somebody changed, swapped or took the key of. */
@Injectable()
export class DamageReports {
  private readonly listeners: DamageListener[] = [];

  listen(listener: DamageListener): void {
    this.listeners.push(listener);
  }

  report({ table, column, row }: Place): void {
    for (const tell of this.listeners) tell({ table, column, row: row.join(' ') });
  }
}
