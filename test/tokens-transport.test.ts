import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { createAdministrator, type Person } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  admin = await createAdministrator(app);
});
afterAll(() => app.close());

const expectChallenge = (status: number, challenge: string | null | undefined, text: string) => {
  expect(status).toBe(401);
  expect(challenge).toMatch(/^Bearer realm="bulwark"(, error="invalid_token")?$/);
  expect(text).not.toContain(admin.email);
};

/** Sends header lines as they are: fetch would join or refuse them. */
function sendRaw(headers: string[]): Promise<{ status: number; challenge?: string; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    const options = { host: hostname, port, path: '/v1/users', headers: ['host', 'x', ...headers] };
    const sent = request(options as never, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          challenge: answer.headers['www-authenticate'] ?? '',
          text,
        }),
      );
    });
    sent.on('error', reject).end();
  });
}

describe('a valid access token', () => {
  it.each([
    ['the Basic scheme', (token: string) => `Basic ${token}`],
    ['the DPoP scheme', (token: string) => `DPoP ${token}`],
    ['no scheme', (token: string) => token],
    ['a scheme that begins like ours', (token: string) => `Bearerx ${token}`],
    ['no space after the scheme', (token: string) => `Bearer${token}`],
    ['an empty token', () => 'Bearer '],
    ['another token after it', (token: string) => `Bearer ${token} x.y.z`],
    ['another token before it', (token: string) => `Bearer x.y.z ${token}`],
    ['a comma and another scheme', (token: string) => `Bearer ${token}, Basic eDp5`],
    ['a parameter', (token: string) => `Bearer token="${token}"`],
    ['quotes', (token: string) => `Bearer "${token}"`],
  ])('is not taken in an Authorization header with %s', async (_what, header) => {
    const authorization = header(admin.tokens.accessToken);
    const answer = await app.client().get('/v1/users', { authorization });
    expectChallenge(answer.status, answer.headers.get('www-authenticate'), answer.text);
  });

  it.each(['access_token', 'token', 'jwt', 'authorization'])(
    'is not taken from the query, as %s',
    async (name) => {
      const path = `/v1/users?${name}=${admin.tokens.accessToken}`;
      const answer = await app.client().get(path);
      expectChallenge(answer.status, answer.headers.get('www-authenticate'), answer.text);
    },
  );

  it('is not taken from the body', async () => {
    const before = await app.database.query('SELECT FROM resources');
    const body = { title: 'x', content: 'y', access_token: admin.tokens.accessToken };
    const answer = await app.client().post('/v1/resources', body);
    expectChallenge(answer.status, answer.headers.get('www-authenticate'), answer.text);
    expect(await app.database.query('SELECT FROM resources')).toEqual(before);
  });

  it.each([
    ['a cookie', 'cookie', (token: string) => `access_token=${token}; jwt=${token}`],
    ['X-Access-Token', 'x-access-token', (token: string) => token],
    ['X-Forwarded-Authorization', 'x-forwarded-authorization', (t: string) => `Bearer ${t}`],
    ['Proxy-Authorization', 'proxy-authorization', (token: string) => `Bearer ${token}`],
    ['X-User-Id', 'x-user-id', () => admin.id],
  ])('is not taken from %s', async (_what, name, value) => {
    const answer = await sendRaw([name, value(admin.tokens.accessToken)]);
    expectChallenge(answer.status, answer.challenge, answer.text);
  });

  it('is taken from one Authorization header, and not when there is a second', async () => {
    const [good, bad] = [`Bearer ${admin.tokens.accessToken}`, 'Bearer x.y.z'];
    expect((await sendRaw(['authorization', good])).text).toContain(admin.email);
    for (const [first, second] of [
      [good, bad],
      [bad, good],
      [good, good],
    ] as const) {
      const answer = await sendRaw(['authorization', first, 'Authorization', second]);
      expectChallenge(answer.status, answer.challenge, answer.text);
    }
  });
});
