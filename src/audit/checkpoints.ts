import { CompactSign, compactVerify } from 'jose';
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { headOf, type Link } from './chain.js';
import type { Fault } from './find-fault.js';

/** A new one after so many links, or so long after the one before. */
export const CHECKPOINT_EVENTS = 1_000;
export const CHECKPOINT_MINUTES = 10;

const HEADER = { alg: 'EdDSA', typ: 'bulwark-checkpoint' } as const;

/** How far the chain went, and with which mac. */
export interface Checkpoint extends Link {
  at: string;
  /** Of a retention: events before this time went, and the chain begins after `seq`. */
  droppedBefore?: string;
}

/** A JWS: whoever has the public key can tell that it is ours, and forge none (ASVS 16.4). */
export function signCheckpoint(key: KeyObject, { seq, mac }: Link, droppedBefore?: Date) {
  const at = new Date().toISOString();
  const body = { seq, mac: mac.toString('base64url'), at, droppedBefore };
  return new CompactSign(Buffer.from(JSON.stringify(body))).setProtectedHeader(HEADER).sign(key);
}

/** Null for whatever the app has not signed. */
export async function readCheckpoint(
  key: KeyObject,
  statement: string,
): Promise<Checkpoint | null> {
  try {
    const options = { algorithms: [HEADER.alg] };
    const publicKey = createPublicKey(key);
    const { payload, protectedHeader } = await compactVerify(statement, publicKey, options);
    if (protectedHeader.typ !== HEADER.typ) return null;
    const body = JSON.parse(Buffer.from(payload).toString()) as Checkpoint & { mac: string };
    return { ...body, mac: Buffer.from(body.mac, 'base64url') };
  } catch {
    return null;
  }
}

/** More than one is somebody else's. If so many are, there is a new one of ours sooner. */
const LOOKED_AT = 100;

/** The newest statement of ours, of whichever kind: who adds another has the app neither wait nor repeat it. */
export async function newestCheckpoint(
  tx: EntityManager,
  key: KeyObject,
  head: Link,
): Promise<{ seq: number; at: string; statement: string } | undefined> {
  const rows = await tx.sql<{ seq: string; statement: string }[]>`
    SELECT seq, statement FROM audit_checkpoints WHERE seq <= ${head.seq}
    ORDER BY seq DESC LIMIT ${LOOKED_AT}`;
  for (const { seq, statement } of rows) {
    const checkpoint = await readCheckpoint(key, statement);
    if (checkpoint?.seq === Number(seq)) return { ...checkpoint, statement };
  }
  return undefined;
}

const NONE = { seq: 0, at: new Date(0).toISOString() };

/** A statement of where the chain ends now, if the newest is old or far away, or one is wanted. */
export async function checkpointIfDue(
  tx: EntityManager,
  key: KeyObject,
  wanted = false,
): Promise<{ seq: number; statement: string } | undefined> {
  const head = await headOf(tx);
  const newest = (await newestCheckpoint(tx, key, head)) ?? NONE;
  const links = head.seq - newest.seq;
  const isOld = Date.now() - Date.parse(newest.at) > CHECKPOINT_MINUTES * 60_000;
  const isDue = wanted || isOld || links >= CHECKPOINT_EVENTS;
  if (links <= 0 || !isDue) return undefined;
  const statement = await signCheckpoint(key, head);
  // Where another stands at its place already, the sealer does not fail by it: the log has ours.
  await tx.sql`
    INSERT INTO audit_checkpoints (seq, statement) VALUES (${head.seq}, ${statement})
    ON CONFLICT DO NOTHING`;
  return { seq: head.seq, statement };
}

/** A statement of ours that says something else about a place: another chain stood there once. */
export function contradiction(checkpoint: Checkpoint, { seq, mac }: Link): Fault | null {
  if (checkpoint.seq === seq && checkpoint.mac.equals(mac)) return null;
  const what = 'another chain stood here when the checkpoint was made';
  return { kind: 'changed', seq: checkpoint.seq, eventId: null, what };
}
