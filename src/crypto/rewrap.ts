import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/queryable.js';
import { IS_OVER, NOW, REWRAP, TO_REWRAP } from './key-statements.js';
import type { KeyWrapper, WrappedKey } from './key-wrapper.js';
import type { DamagedKey } from './rotation-damage.js';

/** Every instance has read a changed file by then. */
const KNOWN_MS = 5_000;
const POLL_MS = 1_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

interface KeyRow extends WrappedKey {
  id: string;
  owner: string | null;
}

/** Wraps all data keys with the key that wraps now. Answers those that do not unwrap: they stay. */
export async function rewrapAll(db: Queryable, wrapper: KeyWrapper): Promise<DamagedKey[]> {
  const damaged: DamagedKey[] = [];
  for (let after = BEFORE_ALL; ;) {
    const rows = await db.query<KeyRow[]>(TO_REWRAP, [wrapper.current(), after]);
    const last = rows.at(-1);
    if (!last) return damaged;
    after = last.id;
    for (const row of rows) {
      const reason = await rewrap(db, wrapper, row);
      if (reason !== undefined) damaged.push({ id: row.id, owner: row.owner, reason });
    }
  }
}

/** Answers why it cannot be done: one damaged key must not stop everybody's rotation. */
async function rewrap(
  db: Queryable,
  wrapper: KeyWrapper,
  { id: uuid, owner, wrapped, kek }: KeyRow,
): Promise<string | undefined> {
  const context = { id: uuid.replaceAll('-', ''), owner };
  const key = await wrapper.unwrap({ wrapped, kek }, context).catch((error: Error) => error);
  if (key instanceof Error) return key.message;
  const again = await wrapper.wrap(key, context);
  await db.query(REWRAP, [uuid, again.wrapped, again.kek, kek]);
  return undefined;
}

/** Nobody wraps with an old key any more, and no transaction is open in which somebody did. */
export async function untilNobodyWraps(db: Queryable): Promise<void> {
  await sleep(KNOWN_MS);
  const [{ now }] = await db.query<[{ now: string }]>(NOW);
  for (;;) {
    const [{ isOver }] = await db.query<[{ isOver: boolean }]>(IS_OVER, [now]);
    if (isOver) return;
    await sleep(POLL_MS);
  }
}
