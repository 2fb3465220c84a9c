import type { Queryable } from '../database/queryable.js';
import type { SealedPlaces, SealedRow } from './sealed-places.js';
import { keyIdOf, openValue, sealValue, type DataKey, type Place } from './sealing.js';

/** Which of these keys still open something there. */
export async function idsIn(
  places: SealedPlaces,
  db: Queryable,
  keyIds: string[],
): Promise<string[]> {
  const used: string[] = [];
  for (let after: unknown[] | undefined; ;) {
    const rows = await places.read(db, keyIds, after);
    used.push(...rows.flatMap(idsOf));
    after = rows.at(-1)?.key;
    if (!after) return used;
  }
}

export const idsOf = ({ values }: SealedRow): string[] =>
  values.flatMap((value) => (value && keyIdOf(value)) ?? []);

type Keys = Map<unknown, DataKey>;

/** The same values under their owner's new key, and where one of them does not open. */
export function resealed({ values, places }: SealedRow, old: Keys, current: Keys) {
  const damaged: Place[] = [];
  const sealed = values.map((value, at) => {
    const place = places[at];
    if (!value || !place) return null;
    try {
      return sealAnew(value, place, { old, current });
    } catch {
      damaged.push(place);
      return value;
    }
  });
  return { values: sealed, damaged };
}

function sealAnew(value: Buffer, place: Place, { old, current }: Record<'old' | 'current', Keys>) {
  const key = old.get(keyIdOf(value));
  const next = key && current.get(key.owner);
  if (!next) throw new Error('no key opens it');
  return sealValue(next, place, openValue(key, place, value));
}
