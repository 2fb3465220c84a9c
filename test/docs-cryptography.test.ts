import { describe, expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const LIBRARIES =
  /from '(node:crypto|node:tls|jose|@node-rs\/argon2|otpauth|@simplewebauthn[^']*)'/;
const IMPORT = /import (type )?\{([^}]*)\} from '([^']+)'/g;
/** Neither encrypts, hashes nor signs: random values, comparisons, and keys that are passed on. */
const HARMLESS = new Set(['randomBytes', 'randomUUID', 'timingSafeEqual', 'createPublicKey']);

/** What a file takes from a library of cryptography and could do something with. */
function usedIn(path: string): string[] {
  const imports = [...read(path).matchAll(IMPORT)].filter(([line]) => LIBRARIES.test(line));
  return imports
    .filter(([, onlyTypes]) => !onlyTypes)
    .flatMap(([, , names = '']) => names.split(','))
    .map((name) => name.trim())
    .filter((name) => name && !name.startsWith('type ') && !HARMLESS.has(name));
}

describe('docs/cryptography.md', () => {
  const page = read('docs/cryptography.md');

  it('names every source file that encrypts, hashes, signs or verifies', () => {
    const users = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => usedIn(path).length > 0);
    expect(users.length).toBeGreaterThan(10);
    expect(users.filter((path) => !page.includes(`(../${path})`))).toEqual([]);
  });

  it('names none that does not', () => {
    const named = [...page.matchAll(/\(\.\.\/(src\/[^)]+)\)/g)].map(([, path = '']) => path);
    const idle = named.filter((path) => !LIBRARIES.test(read(path)));
    expect(idle).toEqual([]);
  });

  it('says of every secret of the configuration how long it lives', () => {
    for (const name of ['SIGNING_KEYS', 'ENCRYPTION_KEYS', 'APP_SECRET', 'TLS_KEY_FILE'])
      expect(page.slice(page.indexOf('## Keys'))).toContain(`\`${name}\``);
  });
});

describe('the sources', () => {
  it('draw no random number from anywhere else', () => {
    const drawing = globSync('src/**/*.{ts,js}', { cwd: ROOT }).filter((path) =>
      /Math\.random|getRandomValues/.test(read(path)),
    );
    expect(drawing).toEqual([]);
  });
});
