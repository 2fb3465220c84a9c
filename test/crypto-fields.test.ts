import { describe, expect, it } from '@jest/globals';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { openValue, sealValue, type DataKey, type Place } from '../src/crypto/sealing.js';

const createKey = (): DataKey => ({
  id: randomUUID().replaceAll('-', ''),
  owner: null,
  key: createSecretKey(randomBytes(32)),
});
const KEY = createKey();
const PLACE: Place = { table: 'table', column: 'column', row: ['row', '1'] };
/** What GCM says of a wrong tag, and we of what names another key. */
const CLOSED = /unable to authenticate|sealed with another key/;
const SECRET = Buffer.from('what nobody may read');

describe('a sealed value', () => {
  it('opens in its place', () => {
    expect(openValue(KEY, PLACE, sealValue(KEY, PLACE, SECRET))).toEqual(SECRET);
    const empty = Buffer.alloc(0);
    expect(openValue(KEY, PLACE, sealValue(KEY, PLACE, empty))).toEqual(empty);
  });

  it('is another one each time, and shows nothing', () => {
    const sealed = Array.from({ length: 1_000 }, () => sealValue(KEY, PLACE, SECRET));
    const nonces = new Set(sealed.map((one) => one.subarray(17, 29).toString('hex')));
    expect(nonces.size).toBe(sealed.length);
    for (const one of sealed) expect(one.includes(SECRET.subarray(0, 4))).toBe(false);
  });

  it.each<[string, Place]>([
    ['table', { ...PLACE, table: 'other' }],
    ['column', { ...PLACE, column: 'other' }],
    ['row', { ...PLACE, row: ['other', '1'] }],
    ['second part of the row', { ...PLACE, row: ['row', '2'] }],
    ['number of parts', { ...PLACE, row: ['row'] }],
    ['border between parts', { ...PLACE, row: ['row","1'] }],
  ])('does not open under another %s', (_what, place) => {
    expect(() => openValue(KEY, place, sealValue(KEY, PLACE, SECRET))).toThrow(CLOSED);
  });

  it('does not open with any of its bits turned, cut short, or under another key', () => {
    const sealed = sealValue(KEY, PLACE, SECRET);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8((changed[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => openValue(KEY, PLACE, changed)).toThrow(CLOSED);
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => openValue(KEY, PLACE, sealed.subarray(0, length))).toThrow(CLOSED);
    expect(() => openValue(createKey(), PLACE, sealed)).toThrow(CLOSED);
    const { id } = KEY;
    expect(() => openValue({ ...createKey(), id }, PLACE, sealed)).toThrow(CLOSED);
  });
});
