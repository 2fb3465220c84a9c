import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { countStatuses, expectProblem } from './support/answers.js';
import { signInAgain } from './support/auth.js';
import { newPassword, signUp, type Person } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { Mailbox } from './support/mailbox.js';
import { startMailing } from './support/mails.js';
import {
  addTotp,
  canSignInWith,
  challengeFor,
  CODES,
  confirmFactor,
  demand,
  enrolTotp,
  FACTORS,
  prove,
  totpCode,
  wrongCode,
} from './support/second-factors.js';
import type { TestApp } from './support/test-app.js';
import { until } from './support/waiting.js';

const AT_ONCE = 50;
/** Good beside a second factor, too short alone. */
const SHORT = 'Quilt4Mox';

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

const list = async ({ client }: Person) =>
  (await client.get<{ items: { id: string; name: string }[]; recoveryCodesLeft: number }>(FACTORS))
    .body;
const remove = ({ client }: Person, id: string) => client.delete(`${FACTORS}/${id}`);
const setPassword = ({ client, password }: Person, to: string) =>
  client.put('/v1/users/me/password', { currentPassword: password, newPassword: to });
const secretRow = async (id: string) => {
  const rows = await app.database.query<{ secret_sealed: Buffer; last_step: string }>(
    'SELECT secret_sealed, last_step FROM totp_secrets WHERE factor_id = $1',
    [id],
  );
  return rows[0];
};
const subjects = ({ email }: Person) => mailbox.to(email).map(({ headers }) => headers['subject']);
const noticed = (person: Person, subject: string) =>
  until(() => subjects(person).includes(subject), subject);

describe('POST /v1/users/me/factors/totp', () => {
  it('shows the secret once, as text, as a link and as a picture', async () => {
    const ada = await signUp(app);
    const { id, name, secret, uri, qrCode } = await enrolTotp(ada, 'My phone');
    expect(name).toBe('My phone');
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const link = new URL(uri);
    expect([link.protocol, link.host, decodeURIComponent(link.pathname)]).toEqual([
      'otpauth:',
      'totp',
      `/Bulwark:${ada.email}`,
    ]);
    expect(link.searchParams.get('secret')).toBe(secret);
    expect(qrCode).toMatch(/^<svg [^]*<\/svg>$/);
    expect(qrCode).not.toContain('script');
    expect((await list(ada)).items).toEqual([]);
    const { text } = await confirmFactor(ada, id, totpCode(secret));
    expect(text).not.toContain(secret);
    expect((await ada.client.get(FACTORS)).text).not.toContain(secret);
  });

  it('asks for nothing at sign-in until the factor is confirmed', async () => {
    const ada = await signUp(app);
    await enrolTotp(ada);
    expect(await canSignInWith(app, ada, ada.password)).toBe(true);
  });

  it('keeps the secret sealed: no row tells it', async () => {
    const ada = await signUp(app);
    const { id, secret } = await enrolTotp(ada);
    const { secret_sealed: sealed } = (await secretRow(id)) ?? { secret_sealed: Buffer.of() };
    const bytes = Buffer.from(secretBytes(secret));
    expect(sealed.length).toBe(1 + 16 + 12 + 16 + bytes.length);
    for (let from = 0; from + 4 <= bytes.length; from += 1)
      expect(sealed.includes(bytes.subarray(from, from + 4))).toBe(false);
  });

  it('takes what was begun before back, and five factors at the most', async () => {
    const ada = await signUp(app);
    const first = await enrolTotp(ada);
    const second = await enrolTotp(ada);
    expectProblem(await confirmFactor(ada, first.id, totpCode(first.secret)), 404, 'not_found');
    expect((await confirmFactor(ada, second.id, totpCode(second.secret))).status).toBe(200);
    for (let more = 1; more < 5; more += 1) await addTotp(app, ada, `Phone ${more}`);
    const answer = await ada.client.post(`${FACTORS}/totp`, { name: 'One more' });
    expectProblem(answer, 409, 'too_many_factors');
    expect((await list(ada)).items).toHaveLength(5);
  });
});

describe('POST /v1/users/me/factors/:factorId/confirm', () => {
  it('makes the account ask for it, ends other sessions, gives codes, says so by mail', async () => {
    const ada = await signUp(app);
    const other = await signInAgain(app, ada);
    const { recoveryCodes } = await addTotp(app, ada);
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[^-]{4}$/);
    expectProblem(await other.client.get('/v1/users/me'), 401, 'invalid_token');
    expect((await ada.client.get('/v1/users/me')).status).toBe(200);
    expect((await list(ada)).recoveryCodesLeft).toBe(10);
    expectProblem(await demand(app.client(), ada), 401, 'second_factor_required');
    await noticed(ada, 'A second factor was added to your account');
  });

  it('refuses a wrong code, and the account is as it was', async () => {
    const ada = await signUp(app);
    const { id, secret } = await enrolTotp(ada);
    expectProblem(await confirmFactor(ada, id, wrongCode(secret)), 400, 'wrong_code');
    expectProblem(await confirmFactor(ada, id, totpCode(secret, 3)), 400, 'wrong_code');
    expect((await list(ada)).items).toEqual([]);
    expect(await canSignInWith(app, ada, ada.password)).toBe(true);
  });

  it('takes the factor of nobody else, and none that was begun too long ago', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const { id, secret } = await enrolTotp(ada);
    expectProblem(await confirmFactor(eve, id, totpCode(secret)), 404, 'not_found');
    await app.database.query(
      `UPDATE factors SET created_at = now() - interval '11 minutes' WHERE id = $1`,
      [id],
    );
    expectProblem(await confirmFactor(ada, id, totpCode(secret)), 404, 'not_found');
    expect((await list(ada)).items).toEqual([]);
  });

  it('lets one of fifty at once win', async () => {
    const ada = await signUp(app);
    const { id, secret } = await enrolTotp(ada);
    const code = totpCode(secret);
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        confirmFactor({ client: app.client().withToken(ada.tokens.accessToken) }, id, code),
      ),
    );
    expect(countStatuses(answers)).toEqual({ 200: 1, 404: AT_ONCE - 1 });
    expect((await list(ada)).recoveryCodesLeft).toBe(10);
  });

  it('spends the code: it does not sign in as well', async () => {
    const ada = await signUp(app);
    const { id, secret } = await enrolTotp(ada);
    const code = totpCode(secret);
    await confirmFactor(ada, id, code);
    const answer = await prove(app.client(), await challengeFor(app, ada), code);
    expectProblem(answer, 400, 'wrong_code');
  });

  it('counts for nobody who signs in at the same moment: no session does without it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ada = await signUp(app);
      const { id, secret } = await enrolTotp(ada);
      const logins = Array.from({ length: 8 }, () => demand(app.client(), ada));
      await confirmFactor(ada, id, totpCode(secret));
      await Promise.all(logins);
      const alone = await app.database.query(
        `SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND NOT second_factor`,
        [ada.id],
      );
      expect(alone).toEqual([]);
    }
  });
});

describe('DELETE /v1/users/me/factors/:factorId', () => {
  it('removes it, ends other sessions, voids the codes with the last one, says so by mail', async () => {
    const ada = await signUp(app);
    const { id } = await addTotp(app, ada);
    expect((await remove(ada, id)).status).toBe(204);
    expect(await list(ada)).toEqual({ items: [], recoveryCodesLeft: 0 });
    expect(await canSignInWith(app, ada, ada.password)).toBe(true);
    await noticed(ada, 'A second factor was removed from your account');
  });

  it('keeps asking while another one is left', async () => {
    const ada = await signUp(app);
    const first = await addTotp(app, ada);
    const { secret } = await addTotp(app, ada, 'Tablet');
    expect((await remove(ada, first.id)).status).toBe(204);
    expect((await list(ada)).recoveryCodesLeft).toBe(10);
    const challenge = await challengeFor(app, ada);
    expectProblem(await prove(app.client(), challenge, totpCode(first.secret)), 400, 'wrong_code');
    expect((await prove(app.client(), challenge, totpCode(secret))).status).toBe(200);
  });

  it('removes nobody else’s', async () => {
    const [ada, eve] = [await signUp(app), await signUp(app)];
    const { id } = await addTotp(app, ada);
    expectProblem(await remove(eve, id), 404, 'not_found');
    expect((await list(ada)).items).toHaveLength(1);
  });

  it('leaves no short password alone', async () => {
    const ada = await signUp(app);
    const { id } = await addTotp(app, ada);
    expect((await setPassword(ada, SHORT)).status).toBe(204);
    expectProblem(await remove(ada, id), 409, 'password_needs_second_factor');
    expect(await list(ada)).toMatchObject({ items: [{ id }], recoveryCodesLeft: 10 });
    expect((await setPassword({ ...ada, password: SHORT }, newPassword())).status).toBe(204);
    expect((await remove(ada, id)).status).toBe(204);
  });
});

describe('a password beside a second factor', () => {
  it('has eight characters or more, at a change and at a reset', async () => {
    const ada = await signUp(app);
    const { secret } = await addTotp(app, ada);
    expectProblem(await setPassword(ada, SHORT.slice(0, 7)), 400, 'weak_password');
    expectProblem(await setPassword(ada, 'password'), 400, 'weak_password');
    expect((await setPassword(ada, SHORT)).status).toBe(204);
    const token = await linkToken(app.app, ada.email);
    const reset = (password: string) =>
      app.client().post('/v1/auth/reset-password', { token, newPassword: password });
    expectProblem(await reset('Quilt4M'), 400, 'weak_password');
    expect((await reset('Quilt5Mox')).status).toBe(204);
    const challenge = await challengeFor(app, { ...ada, password: 'Quilt5Mox' });
    expect((await prove(app.client(), challenge, totpCode(secret))).status).toBe(200);
  });

  it('has fifteen without one', async () => {
    const ada = await signUp(app);
    expectProblem(await setPassword(ada, SHORT), 400, 'weak_password');
    expect(await canSignInWith(app, ada, ada.password)).toBe(true);
  });

  it('is never alone, however a removal and a change meet', async () => {
    for (let round = 0; round < 6; round += 1) {
      const ada = await signUp(app);
      const { id } = await addTotp(app, ada);
      const statuses = await Promise.all([setPassword(ada, SHORT), remove(ada, id)]);
      const shown = statuses.map(({ status }) => status).join();
      expect(['204,409', '400,204']).toContain(shown);
      const [row] = await app.database.query<{ sound: boolean }>(
        'SELECT has_second_factor OR NOT password_is_short AS sound FROM users WHERE id = $1',
        [ada.id],
      );
      expect(row?.sound).toBe(true);
    }
  });
});

describe('POST /v1/users/me/recovery-codes', () => {
  it('makes new ones, and the old ones are void', async () => {
    const ada = await signUp(app);
    const { recoveryCodes: old } = await addTotp(app, ada);
    const { body } = await ada.client.post<{ recoveryCodes: string[] }>(CODES);
    expect(body.recoveryCodes).toHaveLength(10);
    const challenge = await challengeFor(app, ada);
    expectProblem(await prove(app.client(), challenge, old[0] ?? ''), 400, 'wrong_code');
    const [code = ''] = body.recoveryCodes;
    expect((await prove(app.client(), challenge, code)).status).toBe(200);
    expect((await list(ada)).recoveryCodesLeft).toBe(9);
  });

  it('makes none for an account without a second factor', async () => {
    const ada = await signUp(app);
    expectProblem(await ada.client.post(CODES), 409, 'no_second_factor');
  });

  it('keeps hashes of them', async () => {
    const ada = await signUp(app);
    const { recoveryCodes } = await addTotp(app, ada);
    const rows = await app.database.query<{ row: string }>(
      'SELECT r::text AS row FROM recovery_codes r WHERE user_id = $1',
      [ada.id],
    );
    expect(rows).toHaveLength(10);
    for (const code of recoveryCodes)
      expect(rows.map(({ row }) => row).join()).not.toContain(
        Buffer.from(code.replaceAll('-', '')).toString('hex'),
      );
  });
});

const secretBytes = (base32: string) => {
  const bits = Array.from(base32)
    .map((letter) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
    )
    .join('');
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
};
