import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { countStatuses, expectProblem } from './support/answers.js';
import { liveSessions, tryLogin } from './support/auth.js';
import { Client } from './support/client.js';
import { newEmail, newPassword, signUp, type Person } from './support/factories.js';
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

/** The owner's first sign-in came from an unknown source, too, and took one. */
async function exhaustStrangers({ email }: Person): Promise<void> {
  for (let n = 1; n < STRANGERS_BURST; n += 1)
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

describe('the table of budgets', () => {
  it('tells neither who tried to sign in nor from where', async () => {
    const { email, client } = await signUp(app);
    await guess(client, email);
    const rows = await app.database.query<{ key: Buffer }>('SELECT key FROM throttles');
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
