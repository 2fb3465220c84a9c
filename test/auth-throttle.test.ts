import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, createHmac } from 'node:crypto';
import { MOST_FAILURES } from '../src/auth/login-failures.service.js';
import { OVERALL } from '../src/auth/login-throttle.js';
import { Housekeeping } from '../src/database/housekeeping.js';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, tryLogin } from './support/auth.js';
import { Client } from './support/client.js';
import { newEmail, newPassword, register, signUp, type Person } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { startApp, type TestApp } from './support/test-app.js';

/** Attempts in a row: one source on one account, and all unknown sources together. */
const PAIR_BURST = 10;
const STRANGERS_BURST = 20;
let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
});
afterAll(async () => {
  await other.close();
  await app.close();
});

const guess = (client: Client, email: string) => tryLogin(client, email, newPassword());

async function exhaustPair(client: Client, email: string): Promise<void> {
  for (let n = 0; n < PAIR_BURST; n += 1)
    expectProblem(await guess(client, email), 401, 'invalid_credentials');
}

async function exhaustStrangers({ email }: Person): Promise<void> {
  for (let n = 0; n < STRANGERS_BURST; n += 1)
    expectProblem(await guess(app.client(), email), 401, 'invalid_credentials');
}

describe('the budget of one source on one account', () => {
  it('ends after ten attempts, for the right password too, and says when to come back', async () => {
    const person = await signUp(app);
    const eve = app.client();
    await exhaustPair(eve, person.email);
    const answer = await tryLogin(eve, person.email, person.password);
    expectProblem(answer, 429, 'rate_limited');
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it('is spent by unknown addresses alike, so that 429 does not tell who exists', async () => {
    const [eve, email] = [app.client(), newEmail()];
    await exhaustPair(eve, email);
    expectProblem(await guess(eve, email), 429, 'rate_limited');
  });

  it('is one budget for two instances, and for one that starts later', async () => {
    const { email } = await signUp(app);
    const eve = app.client();
    const eveThere = new Client(other.url, eve.ip);
    for (let n = 0; n < PAIR_BURST / 2; n += 1)
      for (const client of [eve, eveThere]) expect((await guess(client, email)).status).toBe(401);
    expectProblem(await guess(eve, email), 429, 'rate_limited');
    expectProblem(await guess(eveThere, email), 429, 'rate_limited');
    const late = await startApp({ database: app.database });
    const answer = await guess(new Client(late.url, eve.ip), email);
    await late.close();
    expectProblem(answer, 429, 'rate_limited');
  });

  it('counts parallel attempts as well', async () => {
    const { email } = await signUp(app);
    const eve = app.client();
    const guesses = Array.from({ length: 25 }, () => guess(eve, email));
    const { 401: tried = 0, 429: refused = 0 } = countStatuses(await Promise.all(guesses));
    expect(tried).toBeLessThanOrEqual(PAIR_BURST);
    expect(tried + refused).toBe(25);
  });

  it('is not renewed by addresses that the client writes into X-Forwarded-For', async () => {
    const { email } = await signUp(app);
    const eve = app.client();
    const statuses: number[] = [];
    for (let n = 0; n <= PAIR_BURST; n += 1) {
      const forged = { 'x-forwarded-for': `203.0.113.${n}, 198.51.100.${n}, ${eve.ip}` };
      const body = { email, password: newPassword() };
      statuses.push((await eve.post('/v1/auth/login', body, forged)).status);
    }
    expect(statuses).toEqual([...Array<number>(PAIR_BURST).fill(401), 429]);
  });

  it('is not renewed by other spellings of the account', async () => {
    const { email } = await signUp(app);
    const eve = app.client();
    await exhaustPair(eve, email);
    expectProblem(await guess(eve, ` ${email.toUpperCase()}`), 429, 'rate_limited');
  });

  it('is not renewed by moving within an IPv6 network', async () => {
    const { email } = await signUp(app);
    for (let n = 0; n < PAIR_BURST; n += 1)
      await guess(new Client(app.url, `2001:db8:7:1::${n + 1}`), email);
    const neighbour = new Client(app.url, '2001:db8:7:1:ffff::1');
    expectProblem(await guess(neighbour, email), 429, 'rate_limited');
    expect((await guess(new Client(app.url, '2001:db8:7:2::1'), email)).status).toBe(401);
  });

  it('is whole again after a sign-in', async () => {
    const person = await signUp(app);
    for (let round = 0; round < 2; round += 1) {
      for (let n = 1; n < PAIR_BURST; n += 1)
        expect((await guess(person.client, person.email)).status).toBe(401);
      const answer = await tryLogin(person.client, person.email, person.password);
      expect(answer.status).toBe(200);
    }
  });

  it('is not made whole by a sign-in to an account of the attacker', async () => {
    const [victim, eve] = [await signUp(app), await signUp(app)];
    await exhaustPair(eve.client, victim.email);
    expect((await tryLogin(eve.client, eve.email, eve.password)).status).toBe(200);
    expectProblem(await guess(eve.client, victim.email), 429, 'rate_limited');
  });
});

describe('the budget of all strangers on one account', () => {
  it('ends for every new source, while the owner still gets in from a known one', async () => {
    const owner = await signUp(app);
    await exhaustStrangers(owner);
    const stranger = await tryLogin(app.client(), owner.email, owner.password);
    expectProblem(stranger, 429, 'rate_limited');
    expect(await liveSessions(app, owner.id)).toHaveLength(1);
    expect((await tryLogin(owner.client, owner.email, owner.password)).status).toBe(200);
  });

  it('is not in the way of a first sign-in from where the address was confirmed', async () => {
    const owner = { email: newEmail(), password: newPassword() };
    const client = app.client();
    await register({ ...app, client: () => client }, owner);
    for (let n = 0; n < STRANGERS_BURST; n += 1) await guess(app.client(), owner.email);
    expectProblem(await guess(app.client(), owner.email), 429, 'rate_limited');
    expect((await tryLogin(client, owner.email, owner.password)).status).toBe(200);
  });

  it('is not opened to a stranger who claims the address of the owner', async () => {
    const owner = await signUp(app);
    await exhaustStrangers(owner);
    const eve = app.client();
    const forged = { 'x-forwarded-for': `${owner.client.ip}, ${eve.ip}` };
    const body = { email: owner.email, password: owner.password };
    expectProblem(await eve.post('/v1/auth/login', body, forged), 429, 'rate_limited');
  });

  it('leaves other accounts alone', async () => {
    const [victim, neighbour] = [await signUp(app), await signUp(app)];
    await exhaustStrangers(victim);
    const answer = await tryLogin(app.client(), neighbour.email, neighbour.password);
    expect(answer.status).toBe(200);
  });
});

/** As if so much time had passed that nobody has to wait any more. */
const letTimePass = () => app.database.query('UPDATE login_failures SET next_at = now()');
/** As if somebody had tried as often as anybody may, wherever anybody has tried at all. */
const failTooOften = () =>
  app.database.query(`UPDATE login_failures SET next_at = now(), failures = ${MOST_FAILURES}`);

describe('failures in a row', () => {
  const waitOf = async (client: Client, email: string) =>
    Number((await guess(client, email)).headers.get('retry-after'));

  it('make the wait after each longer, from one source up to a quarter of an hour', async () => {
    const { email, client } = await signUp(app);
    await exhaustPair(client, email);
    const waits: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      waits.push(await waitOf(client, email));
      await letTimePass();
      expect((await guess(client, email)).status).toBe(401);
    }
    expect(waits).toEqual([60, 120, 240, 480, 900, 900]);
  });

  it('make the wait of all strangers longer, up to an hour', async () => {
    const owner = await signUp(app);
    await exhaustStrangers(owner);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      waits.push(await waitOf(app.client(), owner.email));
      await letTimePass();
      expect((await guess(app.client(), owner.email)).status).toBe(401);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1_920, 3_600]);
  });

  it('end with a sign-in, from wherever', async () => {
    const owner = await signUp(app);
    await exhaustStrangers(owner);
    expect((await tryLogin(owner.client, owner.email, owner.password)).status).toBe(200);
    expect((await guess(app.client(), owner.email)).status).toBe(401);
  });

  it('are forgotten when nobody has tried for long', async () => {
    const owner = await signUp(app);
    await guess(app.client(), owner.email);
    await app.database.query(`UPDATE login_failures SET forget_at = now() - interval '1 second'`);
    await app.app.get(Housekeeping).run();
    expect(await app.database.query('SELECT FROM login_failures')).toEqual([]);
  });
});

describe('a hundred failures in a row (NIST SP 800-63B-4 3.2.2)', () => {
  it('leave strangers no more tries, with the right password neither; the owner gets in', async () => {
    const owner = await signUp(app);
    await guess(app.client(), owner.email);
    await failTooOften();
    const answer = await tryLogin(app.client(), owner.email, owner.password);
    expectProblem(answer, 429, 'too_many_failures');
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await liveSessions(app, owner.id)).toHaveLength(1);
    expect((await tryLogin(owner.client, owner.email, owner.password)).status).toBe(200);
  });

  it('tell nobody who has an account', async () => {
    const [email, eve] = [newEmail(), app.client()];
    await guess(eve, email);
    await failTooOften();
    expectProblem(await guess(eve, email), 429, 'too_many_failures');
  });

  it('are a hundred, however many arrive at once', async () => {
    const { email } = await signUp(app);
    await guess(app.client(), email);
    await app.database.query(
      `UPDATE login_failures SET next_at = now(), failures = ${MOST_FAILURES - 1}`,
    );
    const guesses = Array.from({ length: 20 }, () => guess(app.client(), email));
    const { 401: tried = 0, 429: refused = 0 } = countStatuses(await Promise.all(guesses));
    expect([tried, refused]).toEqual([1, 19]);
  });

  it('end with a new password by mail, for strangers too', async () => {
    const owner = await signUp(app);
    await guess(app.client(), owner.email);
    await failTooOften();
    const password = newPassword();
    const token = await linkToken(app.app, owner.email);
    await app.client().post('/v1/auth/reset-password', { token, newPassword: password });
    expect((await tryLogin(app.client(), owner.email, password)).status).toBe(200);
  });
});

describe('few tries on each of many accounts', () => {
  const spray = () =>
    app.database.query(
      `INSERT INTO throttles (key, whole_at) VALUES ($1, now() + $2 * interval '1 second')
       ON CONFLICT (key) DO UPDATE SET whole_at = excluded.whole_at`,
      [
        createHmac('sha256', app.config.keys.throttle).update('["overall"]').digest(),
        OVERALL.burst * OVERALL.secondsEach + 60,
      ],
    );
  const calmDown = () => app.database.query('DELETE FROM throttles');

  it('leave strangers three on each, known and unknown alike; nobody else notices', async () => {
    const owner = await signUp(app);
    const [unknown, neighbour] = [newEmail(), await signUp(app)];
    await spray();
    for (const email of [owner.email, unknown]) {
      for (let n = 0; n < 3; n += 1) expect((await guess(app.client(), email)).status).toBe(401);
      expectProblem(await guess(app.client(), email), 429, 'rate_limited');
    }
    expect((await tryLogin(owner.client, owner.email, owner.password)).status).toBe(200);
    const elsewhere = await tryLogin(app.client(), neighbour.email, neighbour.password);
    expect(elsewhere.status).toBe(200);
    await calmDown();
  });

  it('are counted together', async () => {
    await calmDown();
    for (let n = 0; n < 3; n += 1) await guess(app.client(), newEmail());
    const [row] = await app.database.query<{ seconds: number }>(
      'SELECT extract(epoch FROM whole_at - now())::float8 AS seconds FROM throttles',
    );
    expect(row?.seconds).toBeGreaterThan(0);
    expect(row?.seconds).toBeLessThanOrEqual(3 * OVERALL.secondsEach);
  });
});

describe('the tables of budgets and failures', () => {
  it('tells neither who tried to sign in nor from where', async () => {
    const { email, client } = await signUp(app);
    await guess(client, email);
    const rows = await app.database.query<{ key: Buffer }>(
      'SELECT key FROM throttles UNION ALL SELECT key FROM login_failures',
    );
    expect(rows.length).toBeGreaterThan(0);
    const keys = rows.map(({ key }) => key.toString('hex'));
    const parts = [email, client.ip];
    const guesses = [
      ...parts,
      ...['pair', 'known', 'strangers'].flatMap((kind) => [
        JSON.stringify([kind, email]),
        JSON.stringify([kind, email, client.ip]),
      ]),
    ];
    for (const text of guesses)
      expect(keys).not.toContain(createHash('sha256').update(text).digest('hex'));
    const dump = rows.map(({ key }) => key.toString('latin1')).join('\n');
    for (const part of parts) expect(dump).not.toContain(part);
  });
});
