import type { Client } from './client.js';
import { login, type Person, type Tokens } from './factories.js';
import { emailIndexOf } from './sealed-rows.js';
import type { TestApp } from './test-app.js';

/** Another session of the same person, from an address of its own. */
export async function signInAgain(app: TestApp, { email, password }: Person): Promise<Person> {
  const client = app.client();
  const tokens = await login(client, email, password);
  const { body } = await client.withToken(tokens.accessToken).get<{ id: string }>('/v1/users/me');
  const authorized = client.withToken(tokens.accessToken);
  return { id: body.id, email, password, tokens, client: authorized };
}

export const tryLogin = (client: Client, email: string, password: string) =>
  client.post<Partial<Tokens> & { code?: string }>('/v1/auth/login', { email, password });

export const refresh = (client: Client, refreshToken: string) =>
  client.post<Tokens & { code?: string }>('/v1/auth/refresh', { refreshToken });

/** What a browser sends with a request of one of our own pages. */
export const OWN_PAGE = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:3000' };

/** The refresh token that the answer puts into the cookie, with all that is said of it. */
export const cookieIn = ({ headers }: { headers: Headers }) => {
  const [line = '', ...others] = headers.getSetCookie();
  if (others.length > 0) throw new Error('more than one cookie');
  const [pair = '', ...rules] = line.split('; ');
  return { line, pair, rules, token: pair.slice(pair.indexOf('=') + 1) };
};

/** What this instance answers to the bearer of an access token. */
export const statusFor = async (app: TestApp, accessToken: string) =>
  (await app.client().withToken(accessToken).get('/v1/users/me')).status;

export const liveSessions = (app: TestApp, userId: string) =>
  app.database.query<{ id: string }>(
    'SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now()',
    [userId],
  );

export async function passwordHashOf(app: TestApp, email: string): Promise<string | undefined> {
  const rows = await app.database.query<{ password_hash: string }>(
    'SELECT password_hash FROM users WHERE email_index = $1',
    [emailIndexOf(email)],
  );
  return rows[0]?.password_hash;
}
