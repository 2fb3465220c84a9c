import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
/** Stands first, so that another form can stand beside this one. */
const VERSION = 1;
const KEY_ID_BYTES = 16;
/** Random, 96 bits (NIST SP 800-38D §8.2.2): good for 2^32 values under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NONCE_AT = 1 + KEY_ID_BYTES;
const TAG_AT = NONCE_AT + NONCE_BYTES;
/** `is_sealed` of the migrations asks for as many: version, key id, nonce, tag. */
const HEAD_BYTES = TAG_AT + TAG_BYTES;
/** A shorter tag would be accepted, too, and be guessed. */
const TAG = { authTagLength: TAG_BYTES };

/** Seals the values of one owner, or of the app itself. */
export interface DataKey {
  /** A UUID as 32 hexadecimal digits. */
  id: string;
  owner: string | null;
  key: KeyObject;
}

/** Where a value belongs. */
export interface Place {
  table: string;
  column: string;
  row: readonly string[];
}

/** The sealed value opens in the same place, with the same key, and nowhere else (ASVS 11.3). */
export function sealValue({ id, key }: DataKey, place: Place, plaintext: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head[0] = VERSION;
  head.write(id, 1, 'hex');
  const nonce = randomBytes(NONCE_BYTES);
  nonce.copy(head, NONCE_AT);
  const cipher = createCipheriv(ALGORITHM, key, nonce, TAG).setAAD(aadOf(id, place));
  const body = cipher.update(plaintext);
  cipher.final();
  cipher.getAuthTag().copy(head, TAG_AT);
  return Buffer.concat([head, body]);
}

/** Which key opens the value; undefined for what was never sealed. */
export const keyIdOf = (sealed: Buffer): string | undefined =>
  sealed.length >= HEAD_BYTES && sealed[0] === VERSION
    ? sealed.toString('hex', 1, NONCE_AT)
    : undefined;

/** Throws when the value was changed, or was sealed for another place or with another key. */
export function openValue({ id, key }: DataKey, place: Place, sealed: Buffer): Buffer {
  if (keyIdOf(sealed) !== id) throw new Error('sealed with another key');
  const nonce = sealed.subarray(NONCE_AT, TAG_AT);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, TAG).setAAD(aadOf(id, place));
  decipher.setAuthTag(sealed.subarray(TAG_AT, HEAD_BYTES));
  const plaintext = decipher.update(sealed.subarray(HEAD_BYTES));
  // Throws unless the tag is right: nothing is handed out before.
  decipher.final();
  return plaintext;
}

/** As JSON: no two places have the same text. */
const aadOf = (keyId: string, { table, column, row }: Place) =>
  Buffer.from(JSON.stringify([VERSION, keyId, table, column, ...row]));
