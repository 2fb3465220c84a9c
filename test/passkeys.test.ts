import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemCode } from '../src/http/problem.js';
import { DataSource } from 'typeorm';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, signInAgain } from './support/auth.js';
import { Authenticator, cbor } from './support/authenticator.js';
import { createAdministrator, signUp, type Person } from './support/factories.js';
import { claimsOf } from './support/forge.js';
import { Mailbox } from './support/mailbox.js';
import { startMailing } from './support/mails.js';
import {
  addPasskey,
  creationOptions,
  PASSKEYS,
  sendAnswer,
  sendNew,
  signInOptions,
  signInWith,
} from './support/passkeys.js';
import { ageSession, challengeFor, CODES, demand, FACTORS } from './support/second-factors.js';
import type { TestApp } from './support/test-app.js';
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

const factorsOf = async ({ client }: Person) =>
  (await client.get<{ items: { kind: string; name: string }[] }>(FACTORS)).body.items;
const sessionsOf = async ({ id }: Person) => (await liveSessions(app, id)).length;
const noticed = ({ email }: Person, subject: string) =>
  until(() => mailbox.to(email).some(({ headers }) => headers['subject'] === subject), subject);
const signCountOf = async (id: string) => {
  const rows = await app.database.query<{ sign_count: string }>(
    'SELECT sign_count FROM passkeys WHERE factor_id = $1',
    [id],
  );
  return Number(rows[0]?.sign_count);
};
const withPasskey = async () => {
  const ada = await signUp(app);
  return { ada, ...(await addPasskey(ada)) };
};

describe('POST /v1/users/me/factors/passkeys', () => {
  it('adds a passkey by name as a second factor, gives codes, ends other sessions, tells by mail', async () => {
    const ada = await signUp(app);
    const other = await signInAgain(app, ada);
    const { recoveryCodes } = await addPasskey(ada, 'My laptop');
    expect(recoveryCodes).toHaveLength(10);
    expect(await factorsOf(ada)).toMatchObject([{ kind: 'passkey', name: 'My laptop' }]);
    expectProblem(await other.client.get('/v1/users/me'), 401, 'invalid_token');
    const answer = await demand(app.client(), ada);
    expectProblem(answer, 401, 'second_factor_required');
    expect(answer.body.challenge?.factors).toEqual(['passkey', 'recovery_code']);
    await noticed(ada, 'A second factor was added to your account');
  });

  it('asks for what identifies nobody, and not for a device that has one', async () => {
    const ada = await signUp(app);
    const first = await creationOptions(ada);
    expect(first).toMatchObject({ rpId: 'localhost', expiresIn: 300, userName: ada.email });
    expect(first.challenge).toMatch(/^[\w-]{43}$/);
    expect((await creationOptions(ada)).challenge).not.toBe(first.challenge);
    expect(Buffer.from(first.userHandle, 'base64url').toString('hex')).toBe(
      ada.id.replaceAll('-', ''),
    );
    const { authenticator } = await addPasskey(ada);
    expect((await creationOptions(ada)).excludeCredentialIds).toEqual([
      authenticator.credentialId.toString('base64url'),
    ]);
  });

  it('takes five factors at the most', async () => {
    const ada = await signUp(app);
    for (let n = 0; n < 5; n += 1) await addPasskey(ada, `Key ${n}`);
    const made = new Authenticator().create(await creationOptions(ada));
    expectProblem(await sendNew(ada, made), 409, 'too_many_factors');
    expect(await factorsOf(ada)).toHaveLength(5);
  });

  it('serves no session that signed in too long ago', async () => {
    const stale = await ageSession(app, await signUp(app), 301);
    const made = new Authenticator().create({ challenge: 'x', rpId: 'localhost', userHandle: '' });
    for (const answer of [
      await stale.client.post(`${PASSKEYS}/options`),
      await sendNew(stale, made),
    ])
      expectProblem(answer, 401, 'insufficient_user_authentication');
  });

  it.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of the same host by another port', { origin: 'http://localhost:3001' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['of an unverified user', { unverified: true }],
    ['of a sign-in', { type: 'webauthn.get' }],
    ['to a challenge that nobody made', { challenge: 'A'.repeat(43) }],
  ])('refuses an answer %s', async (_which, wrong) => {
    const ada = await signUp(app);
    const made = new Authenticator().create({ ...(await creationOptions(ada)), ...wrong });
    expectProblem(await sendNew(ada, made), 400, 'invalid_passkey');
    expect(await factorsOf(ada)).toEqual([]);
  });

  it('takes a challenge once, and spends it with a wrong answer', async () => {
    const ada = await signUp(app);
    const asked = await creationOptions(ada);
    expect((await sendNew(ada, new Authenticator().create(asked))).status).toBe(201);
    expectProblem(await sendNew(ada, new Authenticator().create(asked)), 400, 'invalid_passkey');
    const next = await creationOptions(ada);
    const wrong = new Authenticator().create({ ...next, unverified: true });
    expectProblem(await sendNew(ada, wrong), 400, 'invalid_passkey');
    expectProblem(await sendNew(ada, new Authenticator().create(next)), 400, 'invalid_passkey');
    expect(await factorsOf(ada)).toHaveLength(1);
  });

  it('takes no challenge of another person, another session or another purpose', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const again = await signInAgain(app, ada);
    const { userHandle } = await creationOptions(ada);
    const foreign = [await creationOptions(eve), await creationOptions(again)];
    for (const asked of [...foreign, { ...(await signInOptions(app)), userHandle }])
      expectProblem(await sendNew(ada, new Authenticator().create(asked)), 400, 'invalid_passkey');
    expect(await factorsOf(ada)).toEqual([]);
  });

  it('takes no challenge that is older than five minutes', async () => {
    const ada = await signUp(app);
    const asked = await creationOptions(ada);
    await app.database.query(
      `UPDATE passkey_challenges SET expires_at = now() WHERE session_id IN
      (SELECT id FROM sessions WHERE user_id = $1)`,
      [ada.id],
    );
    expectProblem(await sendNew(ada, new Authenticator().create(asked)), 400, 'invalid_passkey');
  });

  it('gives a credential that is somebody’s to nobody else', async () => {
    const { ada, authenticator } = await withPasskey();
    const eve = await signUp(app);
    const made = authenticator.create(await creationOptions(eve));
    expectProblem(await sendNew(eve, made), 400, 'invalid_passkey');
    expect(await factorsOf(eve)).toEqual([]);
    expect(await factorsOf(ada)).toHaveLength(1);
  });

  it('reads no certificates: nobody was asked for them', async () => {
    const ada = await signUp(app);
    const attStmt = new Map([['x5c', [Buffer.from('certificate')]]]);
    for (const fmt of ['packed', 'fido-u2f', 'tpm', 'android-key', 'apple', 'none', 'unheard']) {
      const made = new Authenticator().create(await creationOptions(ada), fmt, attStmt);
      expectProblem(await sendNew(ada, made), 400, 'invalid_passkey');
    }
    expect(await factorsOf(ada)).toEqual([]);
  });

  it('answers what is no CBOR with a refusal', async () => {
    const ada = await signUp(app);
    const broken = [
      Buffer.of(0xff),
      Buffer.of(0xbb, 255, 255, 255, 255, 255, 255, 255, 255),
      Buffer.from('a363666d74646e6f6e65', 'hex'),
      cbor(new Map([['fmt', 'none']])),
      cbor([]),
      cbor(5),
      cbor(
        new Map<string, string | Buffer>([
          ['fmt', 'none'],
          ['authData', Buffer.alloc(36)],
        ]),
      ),
      cbor(
        new Map([
          ['fmt', 'none'],
          ['attStmt', 'x'],
          ['authData', 'x'],
        ]),
      ),
      Buffer.alloc(4_000, 0x81),
    ];
    for (const attestation of broken) {
      const made = new Authenticator().create(await creationOptions(ada));
      const attestationObject = attestation.toString('base64url');
      const answer = await sendNew(ada, { ...made, attestationObject });
      expectProblem(answer, 400, 'invalid_passkey');
    }
    expect(await factorsOf(ada)).toEqual([]);
  });

  it('lets one of fifty uses of one challenge win', async () => {
    const ada = await signUp(app);
    const asked = await creationOptions(ada);
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        sendNew(
          { client: app.client().withToken(ada.tokens.accessToken) },
          new Authenticator().create(asked),
        ),
      ),
    );
    expect(countStatuses(answers)).toEqual({ 201: 1, 400: AT_ONCE - 1 });
    expect(await factorsOf(ada)).toHaveLength(1);
  });
});

describe('POST /v1/auth/passkey', () => {
  it('signs in without a password, as with two factors', async () => {
    const { ada, authenticator } = await withPasskey();
    const { status, body } = await signInWith(app, authenticator);
    expect(status).toBe(200);
    const client = app.client().withToken(body.accessToken);
    expect((await client.get('/v1/users/me')).body['id']).toBe(ada.id);
    const { amr, auth_time: provenAt } = claimsOf({ ...ada, tokens: body });
    expect(amr).toEqual(['pop', 'mfa']);
    expect(Math.abs(Number(provenAt) - Date.now() / 1_000)).toBeLessThan(5);
    const { refreshToken } = body;
    const refreshed = await app.client().post<typeof body>('/v1/auth/refresh', { refreshToken });
    expect(claimsOf({ ...ada, tokens: refreshed.body })['amr']).toEqual(['pop', 'mfa']);
  });

  it('takes an authenticator that does not count, again and again', async () => {
    const ada = await signUp(app);
    const synced = new Authenticator();
    const made = synced.create({ ...(await creationOptions(ada)), signCount: 0 });
    expect((await sendNew(ada, made)).status).toBe(201);
    for (let use = 0; use < 2; use += 1)
      expect((await signInWith(app, synced, { signCount: 0 })).status).toBe(200);
  });

  it.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of a subdomain', { origin: 'http://evil.localhost:3000' }],
    ['for another relying party', { rpId: 'evil.example' }],
    ['of an unverified user', { unverified: true }],
    ['of a registration', { type: 'webauthn.create' }],
    ['to a challenge that nobody made', { challenge: 'A'.repeat(43) }],
    ['to a challenge that is none', { challenge: '' }],
  ])('refuses an answer %s', async (_which, wrong) => {
    const { ada, authenticator, id } = await withPasskey();
    const before = await signCountOf(id);
    expectProblem(await signInWith(app, authenticator, wrong), 400, 'invalid_passkey');
    expect(await sessionsOf(ada)).toBe(1);
    expect(await signCountOf(id)).toBe(before);
  });

  it('answers alike for a passkey that is unknown, removed, unsigned, or of a disabled user', async () => {
    const admin = await createAdministrator(app);
    const [disabled, removed, known] = [
      await withPasskey(),
      await withPasskey(),
      await withPasskey(),
    ];
    await admin.client.post(`/v1/users/${disabled.ada.id}/disable`);
    await removed.ada.client.delete(`${FACTORS}/${removed.id}`);
    const stranger = new Authenticator();
    stranger.userHandle = known.authenticator.userHandle;
    const forged = new Authenticator();
    forged.userHandle = known.authenticator.userHandle;
    known.authenticator.credentialId.copy(forged.credentialId);
    const answers = [];
    for (const one of [stranger, disabled.authenticator, removed.authenticator, forged])
      answers.push(await signInWith(app, one));
    const seen = answers.map(({ status, body }) => ({ status, ...body, requestId: '' }));
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
    for (const answer of answers) expectProblem(answer, 400, 'invalid_passkey');
    expect(await sessionsOf(disabled.ada)).toBe(0);
    expect(await sessionsOf(known.ada)).toBe(1);
  });

  it('takes the passkey for its owner only', async () => {
    const [eve, bob] = [await withPasskey(), await withPasskey()];
    const asked = await signInOptions(app);
    const answer = eve.authenticator.get(asked);
    const { userHandle } = bob.authenticator;
    expectProblem(
      await sendAnswer(app.client(), { ...answer, userHandle }),
      400,
      'invalid_passkey',
    );
    const { userHandle: _left, ...anonymous } = eve.authenticator.get(await signInOptions(app));
    expectProblem(await sendAnswer(app.client(), anonymous), 400, 'invalid_passkey');
    expect([await sessionsOf(eve.ada), await sessionsOf(bob.ada)]).toEqual([1, 1]);
  });

  it('takes an answer once, and a challenge of another purpose never', async () => {
    const { ada, authenticator } = await withPasskey();
    const answer = authenticator.get(await signInOptions(app));
    expect((await sendAnswer(app.client(), answer)).status).toBe(200);
    expectProblem(await sendAnswer(app.client(), answer), 400, 'invalid_passkey');
    const { challenge } = await creationOptions(ada);
    expectProblem(await signInWith(app, authenticator, { challenge }), 400, 'invalid_passkey');
    const password = await challengeFor(app, ada);
    const foreign = { challenge: password };
    expectProblem(await signInWith(app, authenticator, foreign), 400, 'invalid_passkey');
    expect(await sessionsOf(ada)).toBe(2);
  });

  it('lets one of fifty uses of one challenge win, whatever is counted', async () => {
    const { ada, authenticator } = await withPasskey();
    const asked = await signInOptions(app);
    const tries = Array.from({ length: AT_ONCE }, () => authenticator.get(asked));
    const answers = await Promise.all(tries.map((one) => sendAnswer(app.client(), one)));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: AT_ONCE - 1 });
    expect(await sessionsOf(ada)).toBe(2);
  });

  it('refuses a copy whose count has not grown, and tells the owner', async () => {
    const { ada, authenticator, id } = await withPasskey();
    expect((await signInWith(app, authenticator, { signCount: 7 })).status).toBe(200);
    for (const signCount of [7, 6, 0])
      expectProblem(await signInWith(app, authenticator, { signCount }), 400, 'invalid_passkey');
    expect(await signCountOf(id)).toBe(7);
    expect(await sessionsOf(ada)).toBe(2);
    await noticed(ada, 'A passkey of your account was refused');
  });

  it('lets one of many answers with the same count win, each to a challenge of its own', async () => {
    const { ada, authenticator } = await withPasskey();
    const asked = await Promise.all(Array.from({ length: 20 }, () => signInOptions(app)));
    const tries = asked.map((one) => authenticator.get({ ...one, signCount: 9 }));
    const answers = await Promise.all(tries.map((one) => sendAnswer(app.client(), one)));
    expect(countStatuses(answers)).toEqual({ 200: 1, 400: 19 });
    expect(await sessionsOf(ada)).toBe(2);
  });

  it('answers what is broken with a refusal', async () => {
    const { ada, authenticator } = await withPasskey();
    const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const broken: [string, string, ProblemCode][] = [
      ['clientDataJson', 'AA', 'invalid_passkey'],
      ['clientDataJson', json(null), 'invalid_passkey'],
      ['clientDataJson', json({ challenge: {} }), 'invalid_passkey'],
      ['clientDataJson', json([]), 'invalid_passkey'],
      ['clientDataJson', json({ challenge: '\0' }), 'invalid_passkey'],
      ['authenticatorData', 'AAAA', 'invalid_passkey'],
      ['authenticatorData', 'A'.repeat(2_000), 'invalid_passkey'],
      ['signature', 'AA', 'invalid_passkey'],
      ['credentialId', 'A', 'invalid_passkey'],
      ['signature', '+/==', 'validation_failed'],
      ['credentialId', '', 'validation_failed'],
      ['authenticatorData', 'A'.repeat(2_049), 'validation_failed'],
      ['userHandle', 'A'.repeat(87), 'validation_failed'],
    ];
    for (const [field, value, code] of broken) {
      const answer = { ...authenticator.get(await signInOptions(app)), [field]: value };
      expectProblem(await sendAnswer(app.client(), answer), 400, code);
    }
    expect(await sessionsOf(ada)).toBe(1);
  });
});

describe('the passkeys of an account', () => {
  it('are removed like every factor: the last one takes its codes along', async () => {
    const { ada, authenticator, id } = await withPasskey();
    expect((await ada.client.delete(`${FACTORS}/${id}`)).status).toBe(204);
    expect(await factorsOf(ada)).toEqual([]);
    expectProblem(await ada.client.post(CODES), 409, 'no_second_factor');
    expectProblem(await signInWith(app, authenticator), 400, 'invalid_passkey');
    await noticed(ada, 'A second factor was removed from your account');
  });

  it.each(['public_key', 'credential_id'])(
    'cannot be exchanged: the app has no right to %s',
    async (column) => {
      const { id } = await withPasskey();
      const statement = `UPDATE passkeys SET ${column} = decode('00', 'hex') WHERE factor_id = $1`;
      const tried = app.app.get(DataSource).query(statement, [id]);
      await expect(tried).rejects.toThrow('permission denied');
    },
  );

  it('keep nothing secret and no challenge in the database', async () => {
    const { ada } = await withPasskey();
    const { challenge } = await creationOptions(ada);
    const rows = await app.database.query<{ row: string }>(
      'SELECT c::text AS row FROM passkey_challenges c',
    );
    const shown = rows.map(({ row }) => row).join();
    expect(shown).not.toContain(challenge);
    expect(shown).not.toContain(Buffer.from(challenge).toString('hex'));
    expect(shown).not.toContain(Buffer.from(challenge, 'base64url').toString('hex'));
  });
});
