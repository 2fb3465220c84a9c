import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, refresh, signInAgain, statusFor } from './support/auth.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import { claimsOf } from './support/forge.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const sessionsOf = (userId: string) =>
  app.database.query<{ id: string; expires_at: Date; revoked_at: Date | null }>(
    'SELECT * FROM sessions WHERE user_id = $1',
    [userId],
  );
const tokensOf = (userId: string) =>
  app.database.query<{ token_hash: Buffer; used_at: Date | null }>(
    `SELECT t.* FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
     WHERE s.user_id = $1 ORDER BY t.token_hash`,
    [userId],
  );
const setExpiry = (userId: string, interval: string) =>
  app.database.query('UPDATE sessions SET expires_at = now() + $2::interval WHERE user_id = $1', [
    userId,
    interval,
  ]);
/** Lets the refresh tokens of a user lie for this long. */
const age = (userId: string, interval: string) =>
  app.database.query(
    `UPDATE refresh_tokens SET created_at = now() - $2::interval
     WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)`,
    [userId, interval],
  );

describe('POST /v1/auth/refresh', () => {
  it('gives new tokens of the same session', async () => {
    const person = await signUp(app);
    const [before] = await sessionsOf(person.id);
    const answer = await refresh(app.client(), person.tokens.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.body.refreshToken).not.toBe(person.tokens.refreshToken);
    const claims = claimsOf({ ...person, tokens: answer.body });
    expect([claims.sub, claims['sid']]).toEqual([person.id, before?.id]);
    expect(await statusFor(app, answer.body.accessToken)).toBe(200);
    // However often it is refreshed, the session ends when it was going to end.
    expect(await sessionsOf(person.id)).toEqual([before]);
    const left = (before?.expires_at.getTime() ?? 0) - Date.now();
    expect(left / 86_400_000).toBeCloseTo(30, 1);
  });

  it('goes on for as long as each token is used once', async () => {
    const person = await signUp(app);
    let { refreshToken } = person.tokens;
    for (let n = 0; n < 5; n += 1)
      ({ refreshToken } = (await refresh(app.client(), refreshToken)).body);
    expect((await tokensOf(person.id)).filter(({ used_at }) => used_at === null)).toHaveLength(1);
  });

  it('reads the role anew', async () => {
    const [admin, person] = [await createAdministrator(app), await signUp(app)];
    await admin.client.put(`/v1/users/${person.id}/role`, { role: 'admin' });
    const again = await signInAgain(app, person);
    const { body } = await refresh(app.client(), again.tokens.refreshToken);
    expect(claimsOf({ ...person, tokens: body })['role']).toBe('admin');
  });

  it('ends the whole family when a spent token returns, and no other session', async () => {
    const person = await signUp(app);
    const elsewhere = await signInAgain(app, person);
    const { body: newest } = await refresh(app.client(), person.tokens.refreshToken);
    const stolen = await refresh(app.client(), person.tokens.refreshToken);
    expectProblem(stolen, 401, 'token_reused');
    expect(stolen.text).not.toContain('Token"');
    expectProblem(await refresh(app.client(), newest.refreshToken), 401, 'invalid_refresh_token');
    for (const token of [person.tokens.accessToken, newest.accessToken])
      expect(await statusFor(app, token)).toBe(401);
    expect((await elsewhere.client.get('/v1/users/me')).status).toBe(200);
    expect((await refresh(app.client(), elsewhere.tokens.refreshToken)).status).toBe(200);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it('knows a spent token however many were spent since', async () => {
    const person = await signUp(app);
    let { refreshToken } = person.tokens;
    for (let n = 0; n < 3; n += 1)
      ({ refreshToken } = (await refresh(app.client(), refreshToken)).body);
    const answer = await refresh(app.client(), person.tokens.refreshToken);
    expectProblem(answer, 401, 'token_reused');
    expectProblem(await refresh(app.client(), refreshToken), 401, 'invalid_refresh_token');
  });

  it('lets one of fifty parallel uses win at the most, and then ends the family', async () => {
    const person = await signUp(app);
    const uses = Array.from({ length: 50 }, () =>
      refresh(app.client(), person.tokens.refreshToken),
    );
    const answers = await Promise.all(uses);
    expect(countStatuses(answers)).toEqual({ 200: 1, 401: 49 });
    const winner = answers.find(({ status }) => status === 200)?.body;
    for (const answer of answers.filter(({ status }) => status === 401))
      expectProblem(answer, 401, 'token_reused');
    expect(await tokensOf(person.id)).toHaveLength(2);
    expect(await liveSessions(app, person.id)).toEqual([]);
    expect(await statusFor(app, winner?.accessToken ?? '')).toBe(401);
    const after = await refresh(app.client(), winner?.refreshToken ?? '');
    expectProblem(after, 401, 'invalid_refresh_token');
  });

  it.each([
    ['a guess', () => randomBytes(32).toString('base64url')],
    ['the stored hash', (person: Person) => sha256(person.tokens.refreshToken).toString('hex')],
    // One hash in eight has a zero byte, which is refused before anybody looks at the token.
    [
      'the stored hash as bytes',
      (p: Person) => sha256(p.tokens.refreshToken).toString('latin1').replaceAll('\0', '1'),
    ],
    ['the token with another letter', (p: Person) => `${p.tokens.refreshToken.slice(0, -1)}_`],
    ['the token in capitals', (person: Person) => person.tokens.refreshToken.toUpperCase()],
    ['the token and a space', (person: Person) => `${person.tokens.refreshToken} `],
    ['the id of the session', (person: Person) => String(claimsOf(person)['sid'])],
    ['SQL', () => `' OR used_at IS NULL --`],
  ])('gives nothing for %s, and changes nothing', async (_what, guess) => {
    const person = await signUp(app);
    const before = [await sessionsOf(person.id), await tokensOf(person.id)];
    const answer = await refresh(app.client(), guess(person));
    expectProblem(answer, 401, 'invalid_refresh_token');
    expect([await sessionsOf(person.id), await tokensOf(person.id)]).toEqual(before);
    expect((await refresh(app.client(), person.tokens.refreshToken)).status).toBe(200);
  });

  it('does not take an access token', async () => {
    const { tokens } = await signUp(app);
    const answer = await refresh(app.client(), tokens.accessToken);
    expectProblem(answer, 400, 'validation_failed');
  });

  it('gives nothing after the end of the session', async () => {
    const person = await signUp(app);
    await setExpiry(person.id, '-1 second');
    const before = await tokensOf(person.id);
    const answer = await refresh(app.client(), person.tokens.refreshToken);
    expectProblem(answer, 401, 'invalid_refresh_token');
    expect(await tokensOf(person.id)).toEqual(before);
  });

  it('gives nothing for a token that lay unused for a week, however often it is asked', async () => {
    const person = await signUp(app);
    const { body } = await refresh(app.client(), person.tokens.refreshToken);
    await age(person.id, '7 days');
    const before = await tokensOf(person.id);
    for (let n = 0; n < 2; n += 1) {
      const answer = await refresh(app.client(), body.refreshToken);
      expectProblem(answer, 401, 'invalid_refresh_token');
    }
    expect(await tokensOf(person.id)).toEqual(before);
  });

  it('goes on after almost a week, and then for another', async () => {
    const person = await signUp(app);
    let { refreshToken } = person.tokens;
    for (let n = 0; n < 2; n += 1) {
      await age(person.id, '6 days 23 hours');
      const answer = await refresh(app.client(), refreshToken);
      expect(answer.status).toBe(200);
      ({ refreshToken } = answer.body);
    }
  });

  it('gives nothing to a disabled user, nor after he is enabled again', async () => {
    const [admin, person] = [await createAdministrator(app), await signUp(app)];
    for (const change of ['disable', 'enable']) {
      await admin.client.post(`/v1/users/${person.id}/${change}`);
      const answer = await refresh(app.client(), person.tokens.refreshToken);
      expectProblem(answer, 401, 'invalid_refresh_token');
    }
    expect(await tokensOf(person.id)).toHaveLength(1);
  });
});

describe('the database', () => {
  it('holds the hash of a refresh token and no token', async () => {
    const person = await signUp(app);
    const { refreshToken, accessToken } = person.tokens;
    const hash = sha256(refreshToken);
    expect((await tokensOf(person.id)).map((row) => row.token_hash)).toEqual([hash]);
    const tables = ['users', 'sessions', 'refresh_tokens', 'throttles', 'session_revocations'];
    for (const table of tables) {
      const rows = await app.database.query(`SELECT t::text AS text FROM ${table} t`);
      const dump = rows.map((row) => String(row['text'])).join('\n');
      const hex = Buffer.from(refreshToken).toString('hex');
      for (const secret of [refreshToken, hex, accessToken, person.password])
        expect(dump).not.toContain(secret);
    }
  });
});

const sha256 = (text: string) => createHash('sha256').update(text).digest();
