import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

describe('the source', () => {
  const source = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => ({
    file,
    text: readFileSync(join(ROOT, file), 'utf8'),
  }));
  /** `file: what is banned`, for each place. */
  const found = (texts: typeof source, banned: RegExp) =>
    texts.flatMap(({ file, text }) => (text.match(banned) ?? []).map((hit) => `${file}: ${hit}`));

  it('uses no broken hash, no broken cipher and no predictable number', () => {
    expect(source.length).toBeGreaterThan(50);
    const primitives =
      /create(?:Hash|Hmac)\((?!'sha(?:256|384|512)')|\b(?:md[245]|sha-?1|rc4|3?des)\b|-(?:ecb|cbc)\b|Math\.random|createCipher\(/gi;
    // The list of breached passwords speaks SHA-1, which protects nothing of ours; of authenticator
    // apps, whose codes rest on its HMAC, the source only speaks.
    const list = 'src/auth/breached-passwords.service.ts';
    expect(found(source, primitives).toSorted()).toEqual([
      `${list}: SHA-1`,
      `${list}: createHash(`,
      `${list}: sha1`,
      'src/auth/totp.ts: SHA-1',
      // Certificates that are signed with it are refused.
      'src/config/certificates.ts: SHA-1',
    ]);
  });

  it('evaluates no text, and starts no process but the database of development', () => {
    expect(found(source, /\beval\(|new Function|node:vm|shell: true/g)).toEqual([]);
    expect(found(source, /'node:(?:child_process|cluster)'/g)).toEqual([
      "src/database/embedded-postgres.ts: 'node:child_process'",
    ]);
  });

  it('compares in constant time what it has signed', () => {
    const signing = source.filter(({ text }) => text.includes('createHmac'));
    const comparing = signing.filter(({ text }) =>
      text.includes('timingSafeEqual(given, expected)'),
    );
    expect(comparing.map(({ file }) => file)).toContain('src/http/cursors.ts');
    expect(
      found(signing, /\.equals\(|\.compare\(|[!=]== (?:given|expected|mac)\b(?!\.length)/g),
    ).toEqual([]);
  });
});
