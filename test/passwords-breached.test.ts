import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BREACH_ANSWER_MS } from '../src/auth/breached-passwords.service.js';
import { expectProblem } from './support/answers.js';
import { passwordHashOf, tryLogin } from './support/auth.js';
import { newEmail, newPassword, signUp } from './support/factories.js';
import { linkToken } from './support/inventory.js';
import { startApp, type TestApp } from './support/test-app.js';

const BREACHED = 'seven quiet harbours';
const hashOf = (password: string) =>
  createHash('sha1').update(password).digest('hex').toUpperCase();
const line = (password: string, count: number) => `${hashOf(password).slice(5)}:${count}`;
const PADDED = 'nobody ever used this one';

type Answer = (response: ServerResponse) => void;
const list: Answer = (response) =>
  response.end(
    ['0'.repeat(35) + ':3', line(BREACHED, 7), line(PADDED, 0), 'F'.repeat(35) + ':1'].join('\r\n'),
  );

/** The list of others: the one thing here that is not real. */
let answer = list;
let asked: IncomingMessage[] = [];
const server = createServer((request, response) => {
  asked.push(request);
  answer(response);
});
let app: TestApp;

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  app = await startApp({ env: { BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range/` } });
});
afterAll(async () => {
  await app.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answer = list;
  asked = [];
});

const register = (password: string, email = newEmail()) =>
  app.client().post('/v1/auth/register', { email, password });

describe('a list of breached passwords', () => {
  it('refuses a password that it knows, wherever one is chosen; nothing changes', async () => {
    const ada = await signUp(app);
    const before = await passwordHashOf(app, ada.email);
    const change = { currentPassword: ada.password, newPassword: BREACHED };
    const token = await linkToken(app.app, ada.email);
    const answers = [
      await register(BREACHED),
      await ada.client.put('/v1/users/me/password', change),
      await app.client().post('/v1/auth/reset-password', { token, newPassword: BREACHED }),
    ];
    for (const refused of answers) {
      expectProblem(refused, 400, 'weak_password');
      expect(refused.text).toContain('"rule":"breached"');
      expect(refused.text).not.toContain(BREACHED);
    }
    expect(await passwordHashOf(app, ada.email)).toBe(before);
    expect(await app.database.query('SELECT FROM sign_ups')).toEqual([]);
  });

  it('learns five digits of a hash, and answers in padded size', async () => {
    await register(BREACHED);
    expect(asked.map(({ url }) => url)).toEqual([`/range/${hashOf(BREACHED).slice(0, 5)}`]);
    expect(asked[0]?.headers['add-padding']).toBe('true');
  });

  it('lets pass what it does not know, or only pads its answer with', async () => {
    expect((await register(newPassword())).status).toBe(202);
    expect((await register(PADDED)).status).toBe(202);
  });

  it('is asked about known and unknown addresses alike', async () => {
    const { email } = await signUp(app);
    for (const address of [email, newEmail()])
      expectProblem(await register(BREACHED, address), 400, 'weak_password');
  });

  it('is not asked at the sign-in', async () => {
    const ada = await signUp(app);
    asked = [];
    expect((await tryLogin(ada.client, ada.email, ada.password)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  const broken: [string, Answer][] = [
    ['fails', (response) => response.writeHead(500).end()],
    ['hangs up', (response) => response.destroy()],
    ['leads elsewhere', (response) => response.writeHead(302, { location: '/range/x' }).end()],
    ['talks without end', (response) => response.end('A'.repeat(300 * 1024))],
    ['stops in the middle', (response) => response.write(line(BREACHED, 7))],
    ['says nothing', () => {}],
  ];
  it.each(broken)('stops nobody when it %s', async (_name, breakdown) => {
    answer = breakdown;
    const startedAt = performance.now();
    expect((await register(BREACHED)).status).toBe(202);
    expect(performance.now() - startedAt).toBeLessThan(3 * BREACH_ANSWER_MS);
  });
});

describe('without BREACHED_PASSWORDS_URL', () => {
  it('nobody is asked', async () => {
    const other = await startApp({ database: app.database });
    const body = { email: newEmail(), password: BREACHED };
    const { status } = await other.client().post('/v1/auth/register', body);
    await other.close();
    expect([status, asked]).toEqual([202, []]);
  });
});
