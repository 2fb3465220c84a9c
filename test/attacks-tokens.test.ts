import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sign, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refresh } from './support/auth.js';
import { openCanary, type Canary } from './support/canary.js';
import { assemble, claimsOf, forge, headerOf, hmac, strangersKey } from './support/forge.js';
import { expectProblem } from './support/problems.js';
import { setStage, type Stage } from './support/stage.js';

let app: Stage['app'];
let createPerson: Stage['createPerson'];
let admin: Stage['admin'];

beforeAll(async () => {
  ({ app, createPerson, admin } = await setStage());
});
afterAll(() => app.close());

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), body]);
}
const hex = (text: string) => Buffer.from(text, 'hex');

/** Signed by itself, with ecdsa-with-SHA256 (RFC 5280 §4.1). */
function certificateOf({ privateKey, publicKey }: ReturnType<typeof strangersKey>): Buffer {
  const algorithm = der(0x30, hex('06082a8648ce3d040302'));
  const name = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from('eve')))));
  const times = ['250101000000Z', '490101000000Z'].map((time) => der(0x17, Buffer.from(time)));
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const tbs = der(0x30, hex('020101'), algorithm, name, der(0x30, ...times), name, key);
  return der(0x30, tbs, algorithm, der(0x03, Buffer.of(0), sign('sha256', tbs, privateKey)));
}

describe('a token that says where its key is', () => {
  const keys = strangersKey();
  const pem = keys.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const certificate = certificateOf(keys);
  const jwk = () => ({ ...keys.publicKey.export({ format: 'jwk' }), kid: headerOf(app).kid });
  let canary: Canary;
  beforeEach(async () => {
    canary = await openCanary();
    writeFileSync(join(canary.folder, 'key.pem'), pem);
    expect(new X509Certificate(certificate).verify(keys.publicKey)).toBe(true);
  });
  afterEach(() => canary.close());

  const signed = (header: Record<string, unknown>) =>
    forge(app, claimsOf(admin), header, keys.privateKey);
  /** Under the server's own name for its key, under one of the attacker's, and under none. */
  const named = (header: Record<string, unknown>) =>
    [headerOf(app).kid, 'eve', undefined].map((kid) => signed({ ...header, kid }));
  /** For a server that takes what the name leads to for the secret of an HMAC. */
  const keyed = async (secret: string, kid: string) =>
    assemble({ ...headerOf(app), alg: 'HS256', kid }, claimsOf(admin), hmac(secret));

  function inFiles() {
    const up = '../'.repeat(12);
    const file = join(canary.folder, 'key.pem');
    const known = [file, up + file.slice(1), `file://${file}`];
    return [
      ...known.flatMap((kid) => [signed({ kid }), keyed(pem, kid)]),
      ...['/dev/null', `${up}dev/null`].map((kid) => keyed('', kid)),
    ];
  }
  function inCommands() {
    const touch = `touch ${canary.mark}`;
    const kids = [`; echo known; ${touch}`, `| echo known`, `$(${touch})`, `\`${touch}\``];
    return kids.flatMap((kid) => [keyed('known', kid), keyed('known\n', kid)]);
  }

  it.each<[string, () => Promise<string>[]]>([
    [
      'on the attacker’s server (jku)',
      () => {
        canary.serve(JSON.stringify({ keys: [jwk()] }));
        return named({ jku: canary.url });
      },
    ],
    [
      'in a certificate there (x5u)',
      () => {
        canary.serve(new X509Certificate(certificate).toString());
        return named({ x5u: canary.url });
      },
    ],
    ['in its own certificate (x5c)', () => named({ x5c: [certificate.toString('base64')] })],
    ['in a file of known content', inFiles],
    [
      'in the answer of a query',
      () => [
        keyed('known', `' UNION SELECT 'known' --`),
        signed({ kid: `' UNION SELECT '${pem}' --` }),
      ],
    ],
    ['in the output of a command', inCommands],
  ])('is not believed, and nobody looks there: %s', async (_where, make) => {
    for (const token of await Promise.all(make())) {
      // Longer ones are refused unread.
      expect(token.length).toBeLessThan(2_048);
      const answer = await app.client().withToken(token).get('/v1/users');
      expectProblem(answer, 'invalid_token');
      expect(answer.text).not.toContain(admin.email);
    }
    await canary.expectSilence();
  });
});

describe('a refresh token', () => {
  it('has 32 bytes, none of which stands still or counts', async () => {
    let { refreshToken } = (await createPerson('user')).tokens;
    const seen: Buffer[] = [];
    for (let n = 0; n < 32; n += 1) {
      seen.push(Buffer.from(refreshToken, 'base64url'));
      ({ refreshToken } = (await refresh(app.client(), refreshToken)).body);
    }
    expect(new Set(seen.map(({ length }) => length))).toEqual(new Set([32]));
    for (let place = 0; place < 32; place += 1) {
      const values = seen.map((token) => token[place] ?? 0);
      // Of 32 random bytes some 30 are different.
      expect(new Set(values).size).toBeGreaterThanOrEqual(16);
      expect(values).not.toEqual(values.toSorted((a, b) => a - b));
    }
  });
});
