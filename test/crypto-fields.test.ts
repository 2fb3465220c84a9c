import { describe, expect, it } from '@jest/globals';
import { Config } from '../src/config/config.js';
import { createDevelopmentSecrets } from '../src/config/secrets.js';
import { FieldCipher, type Place } from '../src/crypto/field-cipher.js';

const configured = () =>
  new FieldCipher(
    new Config({
      ...createDevelopmentSecrets(),
      NODE_ENV: 'test',
      DATABASE_URL: 'postgres://app@localhost/app',
    }),
  );
const cipher = configured();
const PLACE: Place = ['table', 'column', 'row', 'owner'];
/** What GCM says of a wrong tag, and we of what is no sealed value. */
const CLOSED = /unable to authenticate|no sealed value/;
const SECRET = Buffer.from('what nobody may read');

describe('a sealed value', () => {
  it('opens in its place', () => {
    expect(cipher.open(cipher.seal(SECRET, PLACE), PLACE)).toEqual(SECRET);
    const empty = Buffer.alloc(0);
    expect(cipher.open(cipher.seal(empty, PLACE), PLACE)).toEqual(empty);
  });

  it('is another one each time, and shows nothing', () => {
    const sealed = Array.from({ length: 1_000 }, () => cipher.seal(SECRET, PLACE));
    const nonces = new Set(sealed.map((one) => one.subarray(1, 13).toString('hex')));
    expect(nonces.size).toBe(sealed.length);
    for (const one of sealed) expect(one.includes(SECRET.subarray(0, 4))).toBe(false);
  });

  it.each<[string, Place]>([
    ['table', ['other', 'column', 'row', 'owner']],
    ['column', ['table', 'other', 'row', 'owner']],
    ['row', ['table', 'column', 'other', 'owner']],
    ['owner', ['table', 'column', 'row', 'other']],
    ['number of parts', ['table', 'column', 'row']],
    ['border between parts', ['table', 'column', 'row","owner']],
  ])('does not open under another %s', (_what, place) => {
    expect(() => cipher.open(cipher.seal(SECRET, PLACE), place)).toThrow(CLOSED);
  });

  it('does not open with any of its bits turned, cut short, or under another key', () => {
    const sealed = cipher.seal(SECRET, PLACE);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8((changed[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => cipher.open(changed, PLACE)).toThrow(CLOSED);
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(() => cipher.open(sealed.subarray(0, length), PLACE)).toThrow(CLOSED);
    expect(() => configured().open(sealed, PLACE)).toThrow(CLOSED);
  });
});
