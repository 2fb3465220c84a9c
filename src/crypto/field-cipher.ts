import { Injectable } from '@nestjs/common';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Config } from '../config/config.js';

const ALGORITHM = 'aes-256-gcm';
/** Stands first, so that another form can stand beside this one. */
const VERSION = 1;
/** Random, 96 bits (NIST SP 800-38D §8.2.2): good for 2^32 values under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** Where a value belongs: table, column, row and whatever else must not change around it. */
export type Place = readonly [table: string, column: string, row: string, ...rest: string[]];

/** Seals values of columns: a copy of the database shows nothing of them (ASVS 11.3, 14.2.6). */
@Injectable()
export class FieldCipher {
  constructor(private readonly config: Config) {}

  /** The sealed value opens in the same place and nowhere else. */
  seal(plaintext: Uint8Array, place: Place): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const options = { authTagLength: TAG_BYTES };
    const cipher = createCipheriv(ALGORITHM, this.config.fieldKey, nonce, options);
    const body = Buffer.concat([cipher.setAAD(aadOf(place)).update(plaintext), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
  }

  /** Throws when the value was changed, or was sealed for another place or with another key. */
  open(sealed: Uint8Array, place: Place): Buffer {
    if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) throw new Error('no sealed value');
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    // A shorter tag would be accepted too, and be guessed.
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv(ALGORITHM, this.config.fieldKey, nonce, options);
    decipher.setAAD(aadOf(place)).setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
  }
}

/** As JSON: no two places have the same text. */
const aadOf = (place: Place) => Buffer.from(JSON.stringify([VERSION, ...place]));
