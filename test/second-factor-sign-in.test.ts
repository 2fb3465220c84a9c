import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions } from './support/auth.js';
import { createAdministrator, newPassword, signUp, type Person } from './support/factories.js';
import { claimsOf } from './support/forge.js';
import { linkToken } from './support/inventory.js';
import { Mailbox } from './support/mailbox.js';
import { startMailing } from './support/mails.js';
import {
  addTotp,
  challengeFor,
  demand,
  FACTORS,
  passTime,
  prove,
  totpCode,
  wrongCode,
} from './support/second-factors.js';
import { startApp, type TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const AT_ONCE = 50;

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startMailing(mailbox);
});
afterAll(async () => {
  await app.close();
  await mailbox.down();
});

async function withTotp() {
  const ada = await signUp(app);
  return { ada, ...(await addTotp(app, ada)) };
}
const sessions = (person: Person) => liveSessions(app, person.id);
const challenges = ({ id }: Person) =>
  app.database.query('SELECT * FROM second_factor_challenges WHERE user_id = $1', [id]);
const proveAtOnce = (tries: { challenge: string; code: string }[]) =>
  Promise.all(tries.map(({ challenge, code }) => prove(app.client(), challenge, code)));
/** Straight into the table: the budget of passwords is not what these tests are about. */
const manyChallenges = (person: Person, count: number) =>
  Promise.all(Array.from({ length: count }, () => challengeFor(app, person)));

describe('POST /v1/auth/login, where there is a second factor', () => {
  it('answers the right password with a challenge and no token', async () => {
    const { ada } = await withTotp();
    const answer = await demand(app.client(), ada);
    expectProblem(answer, 401, 'second_factor_required');
    expect(answer.body.challenge).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      expiresIn: 300,
      factors: ['totp', 'recovery_code'],
    });
    expect(answer.text).not.toContain('accessToken');
    expect(await sessions(ada)).toHaveLength(1);
  });

  it('tells nobody else that there is one', async () => {
    const { ada } = await withTotp();
    const answer = await demand(app.client(), { ...ada, password: 'wrong' });
    expectProblem(answer, 401, 'invalid_credentials');
    expect(await challenges(ada)).toEqual([]);
  });

  it('keeps a hash of the challenge, and no second copy of the password’s', async () => {
    const { ada } = await withTotp();
    const challenge = await challengeFor(app, ada);
    const rows = await app.database.query<{ row: string }>(
      `SELECT c::text AS row FROM second_factor_challenges c WHERE user_id = $1`,
      [ada.id],
    );
    expect(rows[0]?.row).not.toContain(challenge);
    expect(rows[0]?.row).not.toContain('argon2');
  });
});

describe('POST /v1/auth/second-factor', () => {
  it('opens a session that says how it was proven', async () => {
    const { ada, secret } = await withTotp();
    const answer = await prove(app.client(), await challengeFor(app, ada), totpCode(secret));
    expect(answer.status).toBe(200);
    const signedIn = { ...ada, tokens: answer.body };
    expect(claimsOf(signedIn)['amr']).toEqual(['pwd', 'mfa']);
    const { accessToken } = answer.body;
    expect((await app.client().withToken(accessToken).get('/v1/users/me')).status).toBe(200);
  });

  it.each([
    ['of the step before', -1, 200],
    ['of the next step', 1, 200],
    ['of two steps before', -2, 400],
    ['of two steps ahead', 2, 400],
  ])('answers a code %s as it must', async (_which, steps, status) => {
    const { ada, secret } = await withTotp();
    // So that no step begins between the code and its use.
    await awayFromTheEdge();
    const code = totpCode(secret, steps);
    const answer = await prove(app.client(), await challengeFor(app, ada), code);
    expect(answer.status).toBe(status);
  });

  it('takes a code once, and none of a step before it', async () => {
    const { ada, secret } = await withTotp();
    await awayFromTheEdge();
    const [before, now] = [totpCode(secret, -1), totpCode(secret)];
    expect((await prove(app.client(), await challengeFor(app, ada), now)).status).toBe(200);
    const challenge = await challengeFor(app, ada);
    expectProblem(await prove(app.client(), challenge, now), 400, 'wrong_code');
    expectProblem(await prove(app.client(), challenge, before), 400, 'wrong_code');
    expect(await sessions(ada)).toHaveLength(2);
  });

  it('lets one of many parallel uses of one code win, whatever the challenge', async () => {
    const { ada, secret } = await withTotp();
    const tokens = await manyChallenges(ada, 10);
    await forgetThrottle();
    const code = totpCode(secret);
    const tries = tokens.map((challenge) => ({ challenge, code }));
    const answers = await proveAtOnce(tries);
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 9 });
    expect(await sessions(ada)).toHaveLength(2);
  });

  it('lets one of fifty parallel uses of one code win, on every road at once', async () => {
    const { ada, secret } = await withTotp();
    const tokens = await manyChallenges(ada, 10);
    const code = totpCode(secret);
    const tries = Array.from({ length: AT_ONCE }, (_none, n) => ({
      challenge: tokens[n % tokens.length] ?? '',
      code,
    }));
    const answers = await proveAtOnce(tries);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(await sessions(ada)).toHaveLength(2);
  });

  it('lets one of fifty parallel uses of one challenge win, each with a good code', async () => {
    const { ada, recoveryCodes } = await withTotp();
    const challenge = await challengeFor(app, ada);
    const tries = Array.from({ length: AT_ONCE }, (_none, n) => ({
      challenge,
      code: recoveryCodes[n % 10] ?? '',
    }));
    const answers = await proveAtOnce(tries);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const left = await app.database.query('SELECT FROM recovery_codes WHERE user_id = $1', [
      ada.id,
    ]);
    expect(left).toHaveLength(9);
  });

  it('takes five tries a challenge, also at once, and then not the right code', async () => {
    const { ada, secret } = await withTotp();
    const challenge = await challengeFor(app, ada);
    const code = wrongCode(secret);
    const answers = await proveAtOnce(Array.from({ length: 20 }, () => ({ challenge, code })));
    expect(countStatuses(answers)).toEqual({ 400: 5, 401: 15 });
    const late = await prove(app.client(), challenge, totpCode(secret));
    expectProblem(late, 401, 'invalid_challenge');
  });

  it('counts for the account: new challenges from new addresses give no new tries', async () => {
    const { ada, secret } = await withTotp();
    const tokens = await manyChallenges(ada, 6);
    const code = wrongCode(secret);
    const tries = tokens.flatMap((challenge) =>
      Array.from({ length: 5 }, () => ({ challenge, code })),
    );
    const answers = await proveAtOnce(tries);
    expect(countStatuses(answers)).toEqual({ 400: 10, 429: 20 });
    const right = await prove(app.client(), await challengeFor(app, ada), totpCode(secret));
    expectProblem(right, 429, 'rate_limited');
  });

  it('leaves an owner at home alone, while somebody with the password tries codes', async () => {
    const { ada, secret } = await withTotp();
    const home = app.client();
    await prove(home, await challengeFor(app, ada), totpCode(secret));
    await passTime(app, ada);
    const tokens = await manyChallenges(ada, 4);
    const code = wrongCode(secret);
    await proveAtOnce(
      tokens.flatMap((challenge) => Array.from({ length: 5 }, () => ({ challenge, code }))),
    );
    const answer = await prove(home, await challengeFor(app, ada), totpCode(secret));
    expect(answer.status).toBe(200);
  });

  it('costs somebody without the password nothing but his own address', async () => {
    const { ada, secret } = await withTotp();
    for (let tries = 0; tries < 20; tries += 1)
      expectProblem(await prove(app.client(), 'x'.repeat(43), '000000'), 401, 'invalid_challenge');
    const answer = await prove(app.client(), await challengeFor(app, ada), totpCode(secret));
    expect(answer.status).toBe(200);
  });

  it('refuses a challenge that has expired', async () => {
    const { ada, secret } = await withTotp();
    const challenge = await challengeFor(app, ada);
    await app.database.query(
      'UPDATE second_factor_challenges SET expires_at = now() WHERE user_id = $1',
      [ada.id],
    );
    expectProblem(await prove(app.client(), challenge, totpCode(secret)), 401, 'invalid_challenge');
    expect(await sessions(ada)).toHaveLength(1);
  });

  it('takes no code of somebody else’s factor', async () => {
    const [{ ada }, eve] = [await withTotp(), await withTotp()];
    const challenge = await challengeFor(app, ada);
    expectProblem(await prove(app.client(), challenge, totpCode(eve.secret)), 400, 'wrong_code');
    const [code = ''] = eve.recoveryCodes;
    expectProblem(await prove(app.client(), challenge, code), 400, 'wrong_code');
    expect(await sessions(ada)).toHaveLength(1);
  });

  it('opens nothing once the password was changed', async () => {
    const { ada, secret } = await withTotp();
    const challenge = await challengeFor(app, ada);
    const change = { currentPassword: ada.password, newPassword: newPassword() };
    await ada.client.put('/v1/users/me/password', change);
    expectProblem(await prove(app.client(), challenge, totpCode(secret)), 401, 'invalid_challenge');
    expect(await sessions(ada)).toHaveLength(1);
  });

  it('opens nothing once the account was disabled, or the factor removed', async () => {
    const admin = await createAdministrator(app);
    const [{ ada, secret }, bob] = [await withTotp(), await withTotp()];
    const challenge = await challengeFor(app, ada);
    await admin.client.post(`/v1/users/${ada.id}/disable`);
    expectProblem(await prove(app.client(), challenge, totpCode(secret)), 401, 'invalid_challenge');
    const bobs = await challengeFor(app, bob.ada);
    await bob.ada.client.delete(`${FACTORS}/${bob.id}`);
    expectProblem(await prove(app.client(), bobs, totpCode(bob.secret)), 400, 'wrong_code');
  });

  it('is asked for after a reset of the password, too', async () => {
    const { ada, secret } = await withTotp();
    const password = newPassword();
    const token = await linkToken(app.app, ada.email);
    await app.client().post('/v1/auth/reset-password', { token, newPassword: password });
    const answer = await demand(app.client(), { ...ada, password });
    expectProblem(answer, 401, 'second_factor_required');
    const challenge = answer.body.challenge?.token ?? '';
    expect((await prove(app.client(), challenge, totpCode(secret))).status).toBe(200);
  });

  it.each(['', '12345', '1234567', '000000; --', '\u0661\u0662\u0663\u0664\u0665\u0666', '-----'])(
    'refuses %j, which is no code',
    async (code) => {
      const { ada } = await withTotp();
      const answer = await prove(app.client(), await challengeFor(app, ada), code);
      expect(answer.status).toBe(400);
      expect(await sessions(ada)).toHaveLength(1);
    },
  );
});

describe('a recovery code', () => {
  it('stands in for the factor once, however it is typed, and says so by mail', async () => {
    const { ada, recoveryCodes } = await withTotp();
    const typed = (recoveryCodes[0] ?? '').toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
    const answer = await prove(app.client(), await challengeFor(app, ada), typed);
    expect(answer.status).toBe(200);
    const again = await prove(app.client(), await challengeFor(app, ada), recoveryCodes[0] ?? '');
    expectProblem(again, 400, 'wrong_code');
    const subject = 'A recovery code of your account was used';
    const told = () => mailbox.to(ada.email).some(({ headers }) => headers['subject'] === subject);
    await until(told, subject);
  });

  it('lets one of many parallel uses win', async () => {
    const { ada, recoveryCodes } = await withTotp();
    const tokens = await manyChallenges(ada, 10);
    const code = recoveryCodes[3] ?? '';
    const answers = await proveAtOnce(tokens.map((challenge) => ({ challenge, code })));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 9 });
    expect(await sessions(ada)).toHaveLength(2);
  });
});

describe('a sealed secret', () => {
  it('that was moved to somebody else’s row makes no code right, nor any wrong: it is damaged', async () => {
    const [{ ada, id, secret }, eve] = [await withTotp(), await withTotp()];
    const { query } = app.database;
    const sealedOf = async (factorId: string) => {
      const [row] = await query<{ sealed: Buffer }>(
        'SELECT secret_sealed AS sealed FROM totp_secrets WHERE factor_id = $1',
        [factorId],
      );
      return row?.sealed;
    };
    const write = (sealed?: Buffer) =>
      query('UPDATE totp_secrets SET secret_sealed = $2 WHERE factor_id = $1', [id, sealed]);
    const own = await sealedOf(id);
    await write(await sealedOf(eve.id));
    const challenge = await challengeFor(app, ada);
    // Nor is her own called wrong, which it is not.
    for (const code of [eve.secret, secret].map((one) => totpCode(one, 1)))
      expectProblem(await prove(app.client(), challenge, code), 500, 'internal_error');
    await write(own);
    await query('UPDATE factors SET user_id = $1 WHERE id = $2', [ada.id, eve.id]);
    const foreign = totpCode(eve.secret, 1);
    expectProblem(await prove(app.client(), challenge, foreign), 500, 'internal_error');
    expect(await sessions(ada)).toHaveLength(1);
    expect((await prove(app.client(), challenge, totpCode(secret, 1))).status).toBe(200);
  });
});

describe('ADMIN_SECOND_FACTOR=required', () => {
  let strict: TestApp;
  beforeAll(async () => {
    strict = await startApp({ env: { ADMIN_SECOND_FACTOR: 'required' } });
  });
  afterAll(() => strict.close());

  it('lets an administrator administer after a second factor, and not before', async () => {
    const admin = await createAdministrator(strict);
    expectProblem(await admin.client.get('/v1/users'), 403, 'second_factor_required_for_role');
    expect((await admin.client.get('/v1/users/me')).status).toBe(200);
    const { secret } = await addTotp(strict, admin);
    const { body } = await prove(
      strict.client(),
      await challengeFor(strict, admin),
      totpCode(secret),
    );
    const proven = strict.client().withToken(body.accessToken);
    expect((await proven.get('/v1/users')).status).toBe(200);
  });

  it('leaves users alone', async () => {
    const ada = await signUp(strict);
    expect((await ada.client.get('/v1/resources')).status).toBe(200);
    expectProblem(await ada.client.get('/v1/users'), 403, 'forbidden');
  });
});

async function awayFromTheEdge(): Promise<void> {
  await until(() => Date.now() % 30_000 < 27_000, 'the middle of a time step');
}

const forgetThrottle = () => app.database.query('DELETE FROM throttles');
