import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import {
  assemble,
  claimsOf,
  forge,
  headerOf,
  hmac,
  segment,
  signedWith,
  signingKeyOf,
  strangersKey,
} from './support/forge.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let admin: Person;
let eve: Person;

beforeAll(async () => {
  app = await startApp();
  [admin, eve] = [await createAdministrator(app), await signUp(app)];
});
afterAll(() => app.close());

type Attack = [name: string, make: () => string | Promise<string>];

/** The loot is the list of users, which only an administrator's token opens. */
async function expectNoLoot(token: string): Promise<void> {
  const answer = await app.client().withToken(token).get('/v1/users');
  expectProblem(answer, 401, 'invalid_token');
  expect(answer.headers.get('www-authenticate')).toBe(
    'Bearer realm="bulwark", error="invalid_token"',
  );
  const members = Object.keys(answer.body).toSorted();
  expect(members).toEqual(['code', 'requestId', 'status', 'title', 'type']);
  expect(answer.text).not.toContain(admin.email);
}

const now = () => Math.floor(Date.now() / 1_000);
const parts = (person: Person) => person.tokens.accessToken.split('.') as [string, string, string];
/** Signed with the real key: only the claims or the header are not as the server makes them. */
const ours = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  forge(app, { ...claimsOf(admin), ...claims }, header);
/** All as the server makes it, but signed with the attacker's key. */
const theirs = (header: Record<string, unknown> = {}) =>
  forge(app, claimsOf(admin), header, strangersKey().privateKey);
const unsigned = (alg: string, signature = '') =>
  assemble({ ...headerOf(app), alg }, claimsOf(admin), () => signature);
const withHmac = (secret: string | Buffer) =>
  assemble({ ...headerOf(app), alg: 'HS256' }, claimsOf(admin), hmac(secret));
const tampered = (claims: Record<string, unknown>) => {
  const [header, , signature] = parts(eve);
  return `${header}.${segment({ ...claimsOf(eve), ...claims })}.${signature}`;
};
const publicPoint = () => {
  const { x = '', y = '' } = signingKeyOf(app).publicKey.export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
};
const pem = () => signingKeyOf(app).publicKey.export({ format: 'pem', type: 'spki' }).toString();

function withOwnKey(header: (jwk: unknown) => Record<string, unknown>) {
  const { privateKey, publicKey } = strangersKey();
  return forge(app, claimsOf(admin), header(publicKey.export({ format: 'jwk' })), privateKey);
}

/** jose signs no extension that it does not know. */
function forgeCritical() {
  const header = { ...headerOf(app), crit: ['urn:evil'], 'urn:evil': true };
  return assemble(header, claimsOf(admin), signedWith(signingKeyOf(app).privateKey));
}

it('opens the list of users to a token that differs in nothing', async () => {
  const answer = await app
    .client()
    .withToken(await ours({}))
    .get('/v1/users');
  expect(answer.status).toBe(200);
  expect(answer.text).toContain(admin.email);
});

describe('a token whose signature is not ours', () => {
  const attacks: Attack[] = [
    ['alg none', () => unsigned('none')],
    ['alg None', () => unsigned('None')],
    ['alg nOnE', () => unsigned('nOnE')],
    ['alg none with the signature of another token', () => unsigned('none', parts(eve)[2])],
    ['no alg', () => assemble({ typ: 'at+jwt' }, claimsOf(admin), () => '')],
    ['ES256 without a signature', () => unsigned('ES256')],
    ['ES256 with zeros for a signature', () => unsigned('ES256', segment('\0'.repeat(64)))],
    ['HS256 with our public key as PEM', () => withHmac(pem())],
    ['HS256 with our public key as trimmed PEM', () => withHmac(pem().trim())],
    [
      'HS256 with our public key as JWK',
      () => withHmac(JSON.stringify(signingKeyOf(app).publicKey.export({ format: 'jwk' }))),
    ],
    ['HS256 with our public key as bytes', () => withHmac(publicPoint())],
    ['HS256 with an empty secret', () => withHmac('')],
    ['HS256 with our kid as the secret', () => withHmac(signingKeyOf(app).kid)],
    ['another key under our kid', () => theirs()],
    ['an unknown kid', () => theirs({ kid: 'no-such-key' })],
    ['no kid', () => theirs({ kid: undefined })],
    ['a kid that is a path', () => theirs({ kid: '../../../../../dev/null' })],
    ['a kid that is SQL', () => theirs({ kid: `' UNION SELECT 'key' --` })],
    ['a kid that is a list', () => theirs({ kid: [signingKeyOf(app).kid] })],
    ['a kid that is a property of every object', () => theirs({ kid: 'constructor' })],
    ['a key in jwk', () => withOwnKey((jwk) => ({ jwk }))],
    ['a key in jwk, and no kid', () => withOwnKey((jwk) => ({ jwk, kid: undefined }))],
    ['keys at jku', () => theirs({ jku: 'http://127.0.0.1:9/jwks.json' })],
    ['a certificate at x5u', () => theirs({ x5u: 'http://127.0.0.1:9/cert.pem' })],
    ['a certificate in x5c', () => theirs({ x5c: ['MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A'] })],
    ['a higher role under the old signature', () => tampered({ role: 'admin' })],
    ['another user under the old signature', () => tampered({ sub: admin.id, role: 'admin' })],
    ['a later end under the old signature', () => tampered({ exp: now() + 86_400 })],
    [
      'the signature of another token',
      () => [...parts(admin).slice(0, 2), parts(eve)[2]].join('.'),
    ],
    ['half a signature', () => admin.tokens.accessToken.slice(0, -43)],
  ];
  it.each(attacks)('gets nothing with %s', async (_name, make) => expectNoLoot(await make()));
});

describe('a token of ours that is not an access token for here and now', () => {
  const attacks: Attack[] = [
    ['expired', () => ours({ iat: now() - 700, exp: now() - 100 })],
    ['expired this second', () => ours({ iat: now() - 600, exp: now() })],
    ['older than a token can be', () => ours({ iat: now() - 700, exp: now() + 60 })],
    ['longer than a token lives', () => ours({ iat: now(), exp: now() + 86_400 })],
    ['not valid yet', () => ours({ nbf: now() + 60 })],
    ['issued in the future', () => ours({ iat: now() + 60, exp: now() + 600 })],
    ['of another issuer', () => ours({ iss: 'https://evil.example' })],
    ['of an issuer that begins like ours', () => ours({ iss: `${app.config.publicUrl}.evil.io` })],
    ['for another audience', () => ours({ aud: 'https://other.example/v1' })],
    ['for other audiences', () => ours({ aud: ['https://a.example', 'https://b.example'] })],
    ['of type JWT', () => ours({}, { typ: 'JWT' })],
    ['of no type', () => ours({}, { typ: undefined })],
    ['an ID token', () => ours({ nonce: 'n', at_hash: 'h' }, { typ: 'JWT' })],
    ['a logout token', () => ours({}, { typ: 'logout+jwt' })],
    ['of a key without a name', () => ours({}, { kid: undefined })],
    ...['iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'exp', 'role'].map((claim): Attack => [
      `without ${claim}`,
      () => ours({ [claim]: undefined }),
    ]),
    ['of an unknown role', () => ours({ role: 'superuser' })],
    ['of two roles', () => ours({ role: ['user', 'admin'] })],
    ['of a subject that is no text', () => ours({ sub: { id: admin.id } })],
    ['of a session that is no text', () => ours({ sid: [claimsOf(admin)['sid']] })],
    ['with an extension that must be understood', () => forgeCritical()],
    ['the refresh token', () => admin.tokens.refreshToken],
  ];
  it.each(attacks)('gets nothing: %s', async (_name, make) => expectNoLoot(await make()));
});

describe('a text that is no token', () => {
  it.each([
    ['one letter', 'x'],
    ['dots', '..'],
    ['four parts', 'a.b.c.d'],
    ['an encrypted token', 'eyJhbGciOiJkaXIifQ....'],
    ['not base64url', '!!!.???.***'],
    ['JSON', '{"alg":"none"}'],
    ['a huge token', `${'A'.repeat(4_000)}.${'B'.repeat(4_000)}.${'C'.repeat(86)}`],
  ])('gets nothing: %s', (_name, token) => expectNoLoot(token));
});
