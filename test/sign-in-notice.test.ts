import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tryLogin } from './support/auth.js';
import { Client } from './support/client.js';
import { newPassword, signUp, type Person } from './support/factories.js';
import { jobsOf } from './support/jobs.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const logIn = ({ email, password }: Person, client: Client, userAgent = 'curl/8.0') =>
  client.post('/v1/auth/login', { email, password }, { 'user-agent': userAgent });
const noticesOf = async ({ email }: Person) =>
  (await jobsOf(app.database, email)).map(({ data }) => data.values as Record<string, string>);

describe('the notice of a sign-in from a new network', () => {
  it('is not sent for the first sign-in', async () => {
    expect(await noticesOf(await signUp(app))).toEqual([]);
  });

  it('is not sent for a network that the account knows, on whatever device', async () => {
    const person = await signUp(app);
    for (const device of ['curl/8.0', 'Firefox/1', 'evil'])
      expect((await logIn(person, person.client, device)).status).toBe(200);
    expect(await noticesOf(person)).toEqual([]);
  });

  it('says when, from which network and with what, once', async () => {
    const person = await signUp(app);
    const elsewhere = new Client(app.url, '203.0.113.9');
    for (let time = 0; time < 3; time += 1) await logIn(person, elsewhere);
    const notices = await noticesOf(person);
    expect(notices).toEqual([
      { time: expect.stringMatching(/^\w{3}, .* GMT$/), place: '203.0.113.0/24', device: 'curl' },
    ]);
  });

  it('takes no word of the client into the mail', async () => {
    const person = await signUp(app);
    const words = 'Firefox/1 call +1 555 0100, open https://evil.example <b>now</b>';
    await logIn(person, new Client(app.url, 'https://evil.example'), words);
    expect(await noticesOf(person)).toEqual([
      expect.objectContaining({ place: 'an unknown network', device: 'Firefox' }),
    ]);
  });

  it('is not sent for a sign-in that failed', async () => {
    const person = await signUp(app);
    await tryLogin(app.client(), person.email, 'wrong');
    await app.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [person.id]);
    expect((await logIn(person, app.client())).status).toBe(401);
    expect(await noticesOf(person)).toEqual([]);
  });

  it('is sent once for sign-ins at the same time', async () => {
    const person = await signUp(app);
    const elsewhere = new Client(app.url, '203.0.113.10');
    const answers = await Promise.all(Array.from({ length: 10 }, () => logIn(person, elsewhere)));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(1);
    expect(await noticesOf(person)).toHaveLength(1);
  });

  it('is sent again once the network is forgotten, swept or not', async () => {
    const person = await signUp(app);
    await app.database.query(`UPDATE throttles SET whole_at = now() - interval '1 second'`);
    await logIn(person, person.client);
    await logIn(person, person.client);
    expect(await noticesOf(person)).toHaveLength(1);
    await app.database.query('DELETE FROM throttles');
    await logIn(person, person.client);
    expect(await noticesOf(person)).toHaveLength(2);
  });

  it('is sent to an account that lay unused until nothing was left of its sessions', async () => {
    const person = await signUp(app);
    await app.database.query('DELETE FROM sessions WHERE user_id = $1', [person.id]);
    await app.database.query(
      `UPDATE users SET created_at = now() - interval '31 days' WHERE id = $1`,
      [person.id],
    );
    await logIn(person, app.client());
    expect(await noticesOf(person)).toHaveLength(1);
  });

  it('cannot be avoided by proving the password elsewhere first', async () => {
    const person = await signUp(app);
    const thief = new Client(app.url, '203.0.113.11', person.tokens.accessToken);
    const change = { currentPassword: person.password, newPassword: newPassword() };
    expect((await thief.put('/v1/users/me/password', change)).status).toBe(204);
    await logIn({ ...person, password: change.newPassword }, thief);
    const sent = (await jobsOf(app.database, person.email)).map(({ data }) => data.template);
    expect(sent.toSorted()).toEqual(['newDevice', 'passwordChanged']);
  });
});
