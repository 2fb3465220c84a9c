import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem } from './support/answers.js';
import { cookieIn, liveSessions, OWN_PAGE, refresh, statusFor } from './support/auth.js';
import type { Answer, Client } from './support/client.js';
import { signUp, type Person, type Tokens } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';

type Headers = Record<string, string>;
type Refreshed = Answer<Partial<Tokens>>;

const NAME = '__Host-refresh_token';
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const logIn = (client: Client, { email, password }: Person, headers: Headers = OWN_PAGE) =>
  client.post<Partial<Tokens>>(
    '/v1/auth/login',
    { email, password, refreshTokenIn: 'cookie' },
    headers,
  );
/** As a page's script does it: the browser adds the cookie. */
const refreshWith = (cookie: string, headers: Headers = OWN_PAGE, body?: object) =>
  app.client().post<Partial<Tokens>>('/v1/auth/refresh', body, { cookie, ...headers });

/** Somebody whose browser holds the cookie. */
async function visitor() {
  const person = await signUp(app);
  const answer = await logIn(person.client, person);
  expect(answer.status).toBe(200);
  return { person, answer, accessToken: answer.body.accessToken ?? '', ...cookieIn(answer) };
}

/** The token is neither spent nor worthless: the refusal has changed nothing. */
async function expectUnspent(pair: string): Promise<void> {
  expect((await refreshWith(pair)).status).toBe(200);
}

describe('a sign-in that asks for the cookie', () => {
  it('sets one that only this host may set, that no script reads and no other site sends', async () => {
    const { rules, line } = await visitor();
    expect(line).toMatch(new RegExp(`^${NAME}=[\\w-]{43}; `));
    const [maxAge, ...rest] = rules;
    expect(rest).toEqual(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']);
    const seconds = Number(/^Max-Age=(\d+)$/.exec(maxAge ?? '')?.[1]);
    expect(seconds).toBeGreaterThan(30 * 86_400 - 60);
    expect(seconds).toBeLessThanOrEqual(30 * 86_400);
    // Browsers keep 4,096 bytes (ASVS 3.3.5).
    expect(line.length).toBeLessThan(300);
  });

  it('tells the token nowhere else', async () => {
    const { answer, token } = await visitor();
    expect(Object.keys(answer.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'tokenType']);
    expect(answer.text).not.toContain(token);
  });

  it('is refused to a page that is not ours, before the password is looked at', async () => {
    const person = await signUp(app);
    for (const headers of [{}, { origin: 'https://evil.example' }] as Headers[]) {
      const answer = await logIn(person.client, person, headers);
      expectProblem(answer, 403, 'cross_site_request');
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it('is an exception: without the wish no answer has a cookie', async () => {
    const person = await signUp(app);
    const { email, password } = person;
    const body = { email, password, refreshTokenIn: 'body' };
    const answer = await person.client.post<Tokens>('/v1/auth/login', body, OWN_PAGE);
    expect(answer.headers.getSetCookie()).toEqual([]);
    const refreshed = await refresh(app.client(), answer.body.refreshToken);
    expect(refreshed.headers.getSetCookie()).toEqual([]);
    expect(refreshed.body.refreshToken).toEqual(expect.any(String));
  });

  it.each(['Cookie', 'storage', '', null, 1, ['cookie']])(
    'knows two places and no other: %j',
    async (refreshTokenIn) => {
      const { email, password, client } = await signUp(app);
      const body = { email, password, refreshTokenIn };
      const answer = await client.post('/v1/auth/login', body, OWN_PAGE);
      expectProblem(answer, 400, 'validation_failed');
    },
  );
});

describe('a refresh with the cookie', () => {
  it('gives a new access token, and the new refresh token to the cookie alone', async () => {
    const { pair, token } = await visitor();
    const answer = await refreshWith(pair);
    const next = cookieIn(answer);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'tokenType']);
    expect(next.token).not.toBe(token);
    expect(next.rules.slice(1)).toEqual(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Strict']);
    expect(answer.text).not.toContain(next.token);
    expect(await statusFor(app, answer.body.accessToken ?? '')).toBe(200);
    expect((await refreshWith(next.pair)).status).toBe(200);
  });

  it('ends the session when a spent cookie returns', async () => {
    const { pair, person, accessToken } = await visitor();
    const next = cookieIn(await refreshWith(pair));
    expectProblem(await refreshWith(pair), 401, 'token_reused');
    expectProblem(await refreshWith(next.pair), 401, 'invalid_refresh_token');
    expect(await statusFor(app, accessToken)).toBe(401);
    expect(await liveSessions(app, person.id)).toHaveLength(1);
  });

  it.each<[string, Headers]>([
    ['says nothing of where it comes from', {}],
    ['comes from another site', { 'sec-fetch-site': 'cross-site' }],
    ['comes from a neighbour', { 'sec-fetch-site': 'same-site' }],
    ['comes from nowhere, as the browser says', { 'sec-fetch-site': 'none' }],
    ['says same-origin twice', { 'sec-fetch-site': 'same-origin, same-origin' }],
    ['says same-origin in capitals', { 'sec-fetch-site': 'SAME-ORIGIN' }],
    ['has an empty word for it', { 'sec-fetch-site': '', origin: 'http://localhost:3000' }],
    ['names another origin', { origin: 'https://evil.example' }],
    ['names another port', { origin: 'http://localhost:3001' }],
    ['names another scheme', { origin: 'https://localhost:3000' }],
    ['names an origin that begins like ours', { origin: 'http://localhost:3000.evil.example' }],
    ['names no origin', { origin: 'null' }],
    ['has a Referer only', { referer: 'http://localhost:3000/' }],
    [
      'is a neighbour’s that names our origin',
      { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' },
    ],
  ])('is refused when it %s', async (_what, headers) => {
    const { pair } = await visitor();
    const answer = await refreshWith(pair, headers);
    expectProblem(answer, 403, 'cross_site_request');
    expect(answer.headers.getSetCookie()).toEqual([]);
    await expectUnspent(pair);
  });

  it.each<[string, Headers]>([
    ['the metadata of the fetch', { 'sec-fetch-site': 'same-origin' }],
    ['the origin, in browsers that send no metadata', { origin: 'http://localhost:3000' }],
  ])('works with %s alone', async (_what, headers) => {
    const { pair } = await visitor();
    expect((await refreshWith(pair, headers)).status).toBe(200);
  });

  it('takes no origin of CORS_ORIGINS for ours', async () => {
    const friendly = await startApp({
      database: app.database,
      env: { CORS_ORIGINS: 'https://app.example.com' },
    });
    try {
      const { pair } = await visitor();
      const headers = { cookie: pair, origin: 'https://app.example.com' };
      const answer = await friendly.client().post('/v1/auth/refresh', undefined, headers);
      expectProblem(answer, 403, 'cross_site_request');
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    } finally {
      await friendly.close();
    }
  });

  it('is refused with two of the name, in one header or in two', async () => {
    const [mine, other] = [await visitor(), await visitor()];
    for (const pairs of [
      [mine.pair, other.pair],
      [other.pair, mine.pair],
      [mine.pair, mine.pair],
    ])
      expectProblem(await refreshWith(pairs.join('; ')), 400, 'ambiguous_token');
    await expectUnspent(mine.pair);
    await expectUnspent(other.pair);
  });

  it('is refused beside a token in the body, whichever is good', async () => {
    const { pair, token } = await visitor();
    const { tokens } = await signUp(app);
    for (const refreshToken of [token, tokens.refreshToken, 'x'])
      expectProblem(await refreshWith(pair, OWN_PAGE, { refreshToken }), 400, 'ambiguous_token');
    await expectUnspent(pair);
    expect((await refresh(app.client(), tokens.refreshToken)).status).toBe(200);
  });

  it.each([
    ['another name', (token: string) => `refresh_token=${token}`],
    ['the name in small letters', (token: string) => `__host-refresh_token=${token}`],
    ['a blank before the name', (token: string) => `\u00a0${NAME}=${token}`],
    ['an escaped name', (token: string) => `__%48ost-refresh_token=${token}`],
    ['quotes', (token: string) => `${NAME}="${token}"`],
    ['nothing in it', () => `${NAME}=`],
    ['no cookie at all', () => 'theme=dark'],
    ['the token in another cookie’s value', (token: string) => `x=${NAME}=${token}`],
  ])('takes the cookie as it was set, and not with %s', async (_what, header) => {
    const { pair, token } = await visitor();
    const answer: Refreshed = await refreshWith(header(token));
    expectProblem(answer, 401, 'invalid_refresh_token');
    await expectUnspent(pair);
  });

  it('finds its cookie among others', async () => {
    const { pair } = await visitor();
    expect((await refreshWith(`theme=dark; ${pair}; x=y`)).status).toBe(200);
  });

  it('gives nothing without a token in either place', async () => {
    const answer = await app.client().post('/v1/auth/refresh', {}, OWN_PAGE);
    expectProblem(answer, 401, 'invalid_refresh_token');
  });
});

describe('a log-out', () => {
  it.each(['logout', 'logout-everywhere'])('takes the cookie back: %s', async (route) => {
    const { pair, person, accessToken } = await visitor();
    const client = person.client.withToken(accessToken);
    const answer = await client.post(`/v1/auth/${route}`, undefined, { cookie: pair });
    expect(answer.status).toBe(204);
    const gone = cookieIn(answer);
    expect([gone.pair, ...gone.rules]).toEqual([
      `${NAME}=`,
      'Max-Age=0',
      'Path=/',
      'Secure',
      'HttpOnly',
      'SameSite=Strict',
    ]);
    expectProblem(await refreshWith(pair), 401, 'invalid_refresh_token');
  });

  it('is not done by the cookie: it needs the access token', async () => {
    const { pair } = await visitor();
    const answer = await app
      .client()
      .post('/v1/auth/logout', undefined, { cookie: pair, ...OWN_PAGE });
    expectProblem(answer, 401, 'authentication_required');
    await expectUnspent(pair);
  });

  it('sets no cookie where there was none', async () => {
    const { client } = await signUp(app);
    expect((await client.post('/v1/auth/logout')).headers.getSetCookie()).toEqual([]);
  });
});
