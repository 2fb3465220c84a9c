import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWK } from 'jose';
import { expectProblem } from './support/answers.js';
import { refresh, signInAgain, statusFor } from './support/auth.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import { claimsOf, forge, headerOf, signingKeyOf } from './support/forge.js';
import { startApp, type TestApp } from './support/test-app.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
let app: TestApp;
let ada: Person;

beforeAll(async () => {
  app = await startApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

describe('an access token', () => {
  it('says what RFC 9068 asks for and nothing else, for ten minutes at the most', async () => {
    const { accessToken } = ada.tokens;
    expect(decodeProtectedHeader(accessToken)).toEqual(headerOf(app));
    const { iat = 0, exp = 0, ...claims } = decodeJwt(accessToken);
    expect(claims).toEqual({
      iss: app.config.publicUrl,
      aud: `${app.config.publicUrl}/v1`,
      sub: ada.id,
      sid: expect.stringMatching(UUID),
      jti: expect.stringMatching(UUID),
      role: 'user',
      auth_time: expect.any(Number),
      amr: ['pwd'],
    });
    expect(exp - iat).toBe(600);
    expect(Math.abs(iat - Date.now() / 1_000)).toBeLessThan(60);
  });

  it('carries the role of its user and an id of its own', async () => {
    const admin = await createAdministrator(app);
    const again = await signInAgain(app, admin);
    const [first, second] = [claimsOf(admin), claimsOf(again)];
    expect([first['role'], second['role']]).toEqual(['admin', 'admin']);
    expect(first.jti).not.toBe(second.jti);
    expect(first['sid']).not.toBe(second['sid']);
  });

  it('does not outlive its session', async () => {
    const person = await signUp(app);
    await app.database.query(
      `UPDATE sessions SET expires_at = now() + interval '60 seconds' WHERE user_id = $1`,
      [person.id],
    );
    const { body } = await refresh(app.client(), person.tokens.refreshToken);
    const { iat = 0, exp = 0 } = decodeJwt(body.accessToken);
    expect(body.expiresIn).toBe(exp - iat);
    expect(exp - iat).toBeLessThanOrEqual(60);
  });

  it('is verified by every scheme name that means Bearer', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const authorization = `${scheme} ${ada.tokens.accessToken}`;
      expect((await app.client().get('/v1/users/me', { authorization })).status).toBe(200);
    }
  });

  it('bears a clock that is a little ahead on the instance that issued it', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const token = await forge(app, { ...claimsOf(ada), iat: now + 3, exp: now + 603 });
    expect(await statusFor(app, token)).toBe(200);
  });

  // Only this server's key makes such a token, and it makes none before the session's row is
  // committed. So a session is known by its end and not by its beginning, which would be a query.
  it('is believed about its session, of which only the end is remembered', async () => {
    const token = await forge(app, { ...claimsOf(ada), sid: crypto.randomUUID() });
    expect(await statusFor(app, token)).toBe(200);
  });
});

describe('a route that asks for a token', () => {
  it('answers without one with a bare challenge', async () => {
    const answer = await app.client().get('/v1/users/me');
    expectProblem(answer, 401, 'authentication_required');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="bulwark"');
  });
});

const readKeys = async () =>
  (await app.client().get<{ keys: JWK[] }>('/.well-known/jwks.json')).body;

describe('GET /.well-known/jwks.json', () => {
  it('verifies what this server signs, for anybody', async () => {
    const { payload } = await jwtVerify(
      ada.tokens.accessToken,
      createLocalJWKSet(await readKeys()),
      {
        issuer: app.config.publicUrl,
        audience: `${app.config.publicUrl}/v1`,
        typ: 'at+jwt',
        algorithms: ['ES256'],
      },
    );
    expect(payload.sub).toBe(ada.id);
  });

  it('shows the public members and no other', async () => {
    const { kid, publicKey } = signingKeyOf(app);
    const jwk = publicKey.export({ format: 'jwk' });
    expect(await readKeys()).toEqual({ keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] });
    const { d } = signingKeyOf(app).privateKey.export({ format: 'jwk' });
    const { text } = await app.client().get('/.well-known/jwks.json');
    expect(text).not.toContain(d);
  });
});
