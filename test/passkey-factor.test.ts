import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, signInAgain } from './support/auth.js';
import { createAdministrator, signUp, type Person, type Tokens } from './support/factories.js';
import { claimsOf } from './support/forge.js';
import {
  addPasskey,
  proveByPasskey,
  sendAnswer,
  signInOptions,
  signInWith,
  STEP_UP,
  stepUpOptions,
} from './support/passkeys.js';
import { ageSession, challengeFor, prove } from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';

const AT_ONCE = 50;
const RP = { rpId: 'localhost' };

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const withPasskey = async () => {
  const ada = await signUp(app);
  return { ada, ...(await addPasskey(ada)) };
};
const sessionsOf = async ({ id }: Person) => (await liveSessions(app, id)).length;

describe('POST /v1/auth/second-factor/passkey', () => {
  it('opens the session that the password asked for', async () => {
    const { ada, authenticator } = await withPasskey();
    const challenge = await challengeFor(app, ada);
    const answer = authenticator.get({ ...RP, challenge });
    const { status, body } = await proveByPasskey(app.client(), challenge, answer);
    expect(status).toBe(200);
    expect(claimsOf({ ...ada, tokens: body })['amr']).toEqual(['pwd', 'mfa']);
    expect(await sessionsOf(ada)).toBe(2);
  });

  it('takes a recovery code in its place', async () => {
    const { ada, recoveryCodes } = await withPasskey();
    const challenge = await challengeFor(app, ada);
    expect((await prove(app.client(), challenge, recoveryCodes[0] ?? '')).status).toBe(200);
  });

  it('takes the passkey of the account only', async () => {
    const [ada, eve] = [await withPasskey(), await withPasskey()];
    const challenge = await challengeFor(app, ada.ada);
    const answer = eve.authenticator.get({ ...RP, challenge });
    const disguised = { ...answer, userHandle: ada.authenticator.userHandle };
    for (const one of [answer, disguised])
      expectProblem(await proveByPasskey(app.client(), challenge, one), 400, 'invalid_passkey');
    expect([await sessionsOf(ada.ada), await sessionsOf(eve.ada)]).toEqual([1, 1]);
  });

  it.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['of an unverified user', { unverified: true }],
    ['of a copy', { signCount: 1 }],
  ])('refuses an answer %s', async (_which, wrong) => {
    const { ada, authenticator } = await withPasskey();
    const challenge = await challengeFor(app, ada);
    const answer = authenticator.get({ ...RP, challenge, ...wrong });
    expectProblem(await proveByPasskey(app.client(), challenge, answer), 400, 'invalid_passkey');
    expect(await sessionsOf(ada)).toBe(1);
  });

  it('takes an answer to this challenge and to no other', async () => {
    const { ada, authenticator } = await withPasskey();
    const [first, second] = [await challengeFor(app, ada), await challengeFor(app, ada)];
    const answer = authenticator.get({ ...RP, challenge: first });
    expectProblem(await proveByPasskey(app.client(), second, answer), 400, 'invalid_passkey');
    const signedIn = authenticator.get(await signInOptions(app));
    expectProblem(await proveByPasskey(app.client(), second, signedIn), 400, 'invalid_passkey');
    expect(await sessionsOf(ada)).toBe(1);
  });

  it('counts the tries: five a challenge', async () => {
    const { ada, authenticator } = await withPasskey();
    const challenge = await challengeFor(app, ada);
    const wrong = () => authenticator.get({ ...RP, challenge, unverified: true });
    for (let n = 0; n < 5; n += 1)
      expectProblem(await proveByPasskey(app.client(), challenge, wrong()), 400, 'invalid_passkey');
    const right = authenticator.get({ ...RP, challenge });
    expectProblem(await proveByPasskey(app.client(), challenge, right), 401, 'invalid_challenge');
  });

  it('lets one of many parallel uses of one challenge win', async () => {
    const { ada, authenticator } = await withPasskey();
    const challenge = await challengeFor(app, ada);
    await app.database.query('UPDATE second_factor_challenges SET attempts_left = 100');
    const tries = Array.from({ length: AT_ONCE }, () => authenticator.get({ ...RP, challenge }));
    const answers = await Promise.all(
      tries.map((answer) => proveByPasskey(app.client(), challenge, answer)),
    );
    expect(countStatuses(answers)).toEqual({ 200: 1, 401: AT_ONCE - 1 });
    expect(await sessionsOf(ada)).toBe(2);
  });
});

describe('POST /v1/auth/reauthenticate/passkey', () => {
  const reauthenticate = ({ client }: Person, answer: object) =>
    client.post<Tokens>(STEP_UP, answer);
  const aged = async () => {
    const { ada, authenticator } = await withPasskey();
    return { ada: await ageSession(app, ada, 3_600), authenticator };
  };
  const provenAt = async ({ id }: Person) => {
    const rows = await app.database.query<{ age: number }>(
      `SELECT extract(epoch FROM now() - authenticated_at)::float8 AS age
       FROM sessions WHERE user_id = $1 AND revoked_at IS NULL`,
      [id],
    );
    return Number(rows[0]?.age);
  };

  it('makes the session fresh, and no other one', async () => {
    const { ada, authenticator } = await aged();
    const { status, body } = await reauthenticate(ada, authenticator.get(await stepUpOptions(ada)));
    expect(status).toBe(200);
    const fresh = { ...ada, client: app.client().withToken(body.accessToken) };
    await addPasskey(fresh, 'Another');
    expect(claimsOf({ ...ada, tokens: body })['amr']).toEqual(['pop', 'mfa']);
    expect(await sessionsOf(ada)).toBe(1);
  });

  it.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of an unverified user', { unverified: true }],
    ['of a copy', { signCount: 1 }],
  ])('refuses an answer %s', async (_which, wrong) => {
    const { ada, authenticator } = await aged();
    const answer = authenticator.get({ ...(await stepUpOptions(ada)), ...wrong });
    expectProblem(await reauthenticate(ada, answer), 400, 'invalid_passkey');
    expect(await provenAt(ada)).toBeGreaterThan(3_000);
  });

  it('takes neither another’s passkey nor a challenge of another session or purpose', async () => {
    const [{ ada, authenticator }, eve] = [await aged(), await withPasskey()];
    const answers = [
      eve.authenticator.get(await stepUpOptions(ada)),
      authenticator.get(await stepUpOptions(eve.ada)),
      authenticator.get(await signInOptions(app)),
    ];
    for (const answer of answers)
      expectProblem(await reauthenticate(ada, answer), 400, 'invalid_passkey');
    const stolen = authenticator.get(await stepUpOptions(ada));
    expectProblem(await sendAnswer(app.client(), stolen), 400, 'invalid_passkey');
    expect(await provenAt(ada)).toBeGreaterThan(3_000);
  });

  it('revives no session that was ended', async () => {
    const { ada, authenticator } = await aged();
    const answer = authenticator.get(await stepUpOptions(ada));
    await ada.client.post('/v1/auth/logout');
    expectProblem(await reauthenticate(ada, answer), 401, 'invalid_token');
    expect(await sessionsOf(ada)).toBe(0);
  });
});

describe('a passkey, where administrators need a second factor', () => {
  it('is one: after the sign-in with it, he administers', async () => {
    const strict = await startApp({
      database: app.database,
      env: { ADMIN_SECOND_FACTOR: 'required' },
    });
    try {
      const admin = await createAdministrator(strict);
      expectProblem(await admin.client.get('/v1/users'), 403, 'second_factor_required_for_role');
      const { authenticator } = await addPasskey(admin);
      const { body } = await signInWith(strict, authenticator);
      const client = strict.client().withToken(body.accessToken);
      expect((await client.get('/v1/users')).status).toBe(200);
    } finally {
      await strict.close();
    }
  });
});

describe('sign-ins with a passkey and a password', () => {
  it('stand side by side', async () => {
    const { ada, authenticator } = await withPasskey();
    await expect(signInAgain(app, ada)).rejects.toThrow('second_factor_required');
    expect((await signInWith(app, authenticator)).status).toBe(200);
  });
});
