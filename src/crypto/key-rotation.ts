import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { DataKeys } from './data-keys.js';
import {
  ADD,
  APP_KEY,
  DELETE,
  NEXT_OWNERS,
  RETIRE,
  RETIRED,
  SETTLED,
  STATUS,
  TO_RENEW,
} from './key-statements.js';
import { KeyWrapper } from './key-wrapper.js';
import { idsIn, idsOf, resealed } from './reseal.js';
import { rewrapAll, untilNobodyWraps } from './rewrap.js';
import { RotationDamage } from './rotation-damage.js';
import type { SealedPlaces, SealedRow } from './sealed-places.js';

const POLL_MS = 1_000;

/** Tells how far it is: so many of so many of what. */
export type Progress = (what: string, done: number, total: number) => void;

/** Within the transaction of what it tells. */
export type RecordKeys = (
  event: 'crypto_key_added' | 'crypto_key_retired' | 'crypto_key_deleted',
  facts: { kind: 'data'; keys: number } | { kind: 'encryption' | 'signing'; key: string },
  tx?: EntityManager,
) => Promise<void>;

export interface KeyStatus {
  /** How many data keys each key-encryption key wraps. */
  wrapped: { kek: string; keys: number; retired: number }[];
}

/** What a rotation works with. */
interface Tools {
  keys: DataKeys;
  wrapper: KeyWrapper;
  places: SealedPlaces[];
  record: RecordKeys;
}

interface Pass {
  tell: Progress;
  damage: RotationDamage;
}

type KeyId = Pick<KeyName, 'id'>;

interface KeyName {
  id: string;
  owner: string | null;
}

/**
 * Puts new data keys, wrapped by the first key of ENCRYPTION_KEYS, in the place of all others, beside live
 * instances. What is to be done is asked of the database at every step, so that it can be killed at any
 * moment and goes on where it was.
 */
export class KeyRotation {
  constructor(
    private readonly db: DataSource,
    private readonly tools: Tools,
  ) {}

  async status(): Promise<KeyStatus> {
    return { wrapped: await this.db.query<KeyStatus['wrapped']>(STATUS) };
  }

  async run(tell: Progress): Promise<RotationDamage> {
    await this.renew(tell);
    // The old key-encryption key opens nothing any more, even while rows still need their old keys.
    await rewrapAll(this.db, this.tools.wrapper);
    await this.reseal(tell);
    await this.untilSettled(tell);
    // What was sealed meanwhile with a key that an instance still had in memory, and what was locked.
    for (;;) {
      const damage = await this.reseal(tell);
      await this.deleteUnused();
      if ((await this.retired()).every(damage.holds)) return this.withKeys(damage);
      await sleep(POLL_MS);
    }
  }

  /** Data keys stay, and with them all that is sealed: only what wraps them is another. */
  async wrap(): Promise<RotationDamage> {
    await rewrapAll(this.db, this.tools.wrapper);
    await untilNobodyWraps(this.db);
    return this.withKeys(new RotationDamage());
  }

  private async withKeys(damage: RotationDamage): Promise<RotationDamage> {
    damage.keys.push(...(await rewrapAll(this.db, this.tools.wrapper)));
    return damage;
  }

  /** From here on, what is sealed is sealed with a new key. */
  private async renew(tell: Progress): Promise<void> {
    const [{ count: total } = { count: 0 }] = await this.toRenew();
    for (let left = total; left > 0;) {
      const renewed = await this.db.transaction((tx) => this.renewSome(tx));
      // Somebody else holds the rest: an account that is being deleted.
      if (renewed === 0) await sleep(POLL_MS);
      left = (await this.toRenew())[0]?.count ?? 0;
      tell('keys', total - left, total);
    }
  }

  private toRenew(): Promise<{ count: number }[]> {
    return this.db.query(TO_RENEW, [this.tools.wrapper.current()]);
  }

  private async renewSome(tx: EntityManager): Promise<number> {
    const kek = this.tools.wrapper.current();
    const old = [
      ...(await tx.query<KeyName[]>(NEXT_OWNERS, [kek])),
      ...(await tx.query<KeyName[]>(APP_KEY, [kek])),
    ];
    const made = await Promise.all(old.map(({ owner }) => this.tools.keys.create(owner)));
    await tx.query(RETIRE, [old.map(({ id }) => id)]);
    const columns = [
      made.map(({ id }) => id),
      made.map(({ owner }) => owner),
      made.map(({ wrapped }) => wrapped),
      made.map((key) => key.kek),
    ];
    await tx.query(ADD, columns);
    const facts = { kind: 'data' as const, keys: made.length };
    for (const event of ['crypto_key_retired', 'crypto_key_added'] as const)
      if (made.length > 0) await this.tools.record(event, facts, tx);
    return made.length;
  }

  private async reseal(tell: Progress): Promise<RotationDamage> {
    const retired = await this.retired();
    const damage = new RotationDamage();
    for (const places of this.tools.places)
      await this.resealPlaces(places, retired, { tell, damage });
    return damage;
  }

  private async resealPlaces(places: SealedPlaces, retired: string[], { tell, damage }: Pass) {
    const total = await places.count(this.db, retired);
    let [done, after] = [0, undefined as unknown[] | undefined];
    for (;;) {
      const rows = total > 0 ? await places.read(this.db, retired, after) : [];
      after = rows.at(-1)?.key;
      if (!after) return;
      await this.resealRows(places, rows, damage);
      // What was written meanwhile comes on top: the bar is full, and stays.
      if (done < total) tell(places.name, Math.min(done + rows.length, total), total);
      done += rows.length;
    }
  }

  /** Rows that hold something that does not open stay as they are. */
  private async resealRows(places: SealedPlaces, rows: SealedRow[], damage: RotationDamage) {
    const old = await this.tools.keys.find(this.db, [...new Set(rows.flatMap(idsOf))]);
    const owners = [...new Set([...old.values()].map(({ owner }) => owner))];
    const current = await this.tools.keys.currentsOf(this.db, owners);
    const again = rows.map((row) => ({ row, ...resealed(row, old, current) }));
    const good = again.filter(({ damaged }) => damaged.length === 0);
    for (const { row, damaged } of again) if (damaged.length > 0) damage.addRow(row, damaged);
    await places.replace(
      this.db,
      good.map(({ row }) => row),
      good.map(({ values }) => values),
    );
  }

  private async untilSettled(tell: Progress): Promise<void> {
    const total = (await this.retired()).length;
    for (let settled = 0; settled < total; settled = (await this.settled()).length) {
      tell('keys that nobody seals with any more', settled, total);
      await sleep(POLL_MS);
    }
  }

  private async deleteUnused(): Promise<void> {
    const settled = await this.settled();
    const used = new Set<string>();
    for (const places of this.tools.places)
      for (const id of await idsIn(places, this.db, settled)) used.add(id);
    const unused = settled.filter((id) => !used.has(id));
    if (unused.length === 0) return;
    await this.db.transaction(async (tx) => {
      await tx.query(DELETE, [unused]);
      await this.tools.record('crypto_key_deleted', { kind: 'data', keys: unused.length }, tx);
    });
  }

  private retired = async () => namesOf(await this.db.query<KeyId[]>(RETIRED));
  private settled = async () => namesOf(await this.db.query<KeyId[]>(SETTLED));
}

const namesOf = (rows: KeyId[]): string[] => rows.map(({ id }) => id);
