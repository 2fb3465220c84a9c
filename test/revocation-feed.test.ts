import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RevocationFeed } from '../src/access/revocation-feed.js';
import { withClient } from '../src/database/provision.js';
import { expectProblem } from './support/answers.js';
import { statusFor } from './support/auth.js';
import { signUp } from './support/factories.js';
import { startApp, type TestApp } from './support/test-app.js';
import { Wire } from './support/wire.js';
import { until } from './support/waiting.js';

/** How long a lost link may go unnoticed, and how long it may take to come back. */
const NOTICED_MS = 6_000;
const HEALED_MS = 15_000;
let app: TestApp;
let wire: Wire;
let far: TestApp;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** The other instance reaches the database through a wire that can be cut. */
beforeEach(async () => {
  wire = await Wire.to(app.database.urls.app);
  far = await startApp({ database: app.database, env: { DATABASE_URL: wire.url } });
});
afterEach(async () => {
  wire.heal();
  await far.close();
  wire.close();
});

const isLive = () => far.app.get(RevocationFeed).isLive;
const killFeeds = () =>
  withClient(app.database.urls.admin, (admin) =>
    admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'bulwark revocation feed'`,
    ),
  );

describe('an instance whose feed is cut', () => {
  it('asks the database for every request, and needs no restart afterwards', async () => {
    const [leaver, stayer] = [await signUp(app), await signUp(app)];
    for (const { tokens } of [leaver, stayer])
      expect(await statusFor(far, tokens.accessToken)).toBe(200);
    wire.cut('feed');
    await until(() => !isLive(), 'the cut is noticed', NOTICED_MS);
    expect(await statusFor(far, leaver.tokens.accessToken)).toBe(200);
    await leaver.client.post('/v1/auth/logout');
    expect(await statusFor(far, leaver.tokens.accessToken)).toBe(401);
    expect(await statusFor(far, stayer.tokens.accessToken)).toBe(200);
    wire.heal();
    await until(isLive, 'the feed is back', HEALED_MS);
    expect(await statusFor(far, leaver.tokens.accessToken)).toBe(401);
    expect(await statusFor(far, stayer.tokens.accessToken)).toBe(200);
  });

  it('never takes a revoked token again while the feed is killed over and over', async () => {
    const stayer = await signUp(app);
    for (let round = 0; round < 5; round += 1) {
      const { tokens, client } = await signUp(app);
      expect(await statusFor(far, tokens.accessToken)).toBe(200);
      await killFeeds();
      await client.post('/v1/auth/logout');
      await until(
        async () => (await statusFor(far, tokens.accessToken)) === 401,
        'the token is refused',
        1_000,
      );
      const end = performance.now() + 1_000;
      while (performance.now() < end) {
        expect(await statusFor(far, tokens.accessToken)).toBe(401);
        await sleep(20);
      }
      expect(await statusFor(far, stayer.tokens.accessToken)).toBe(200);
    }
    await until(isLive, 'the feed is back', HEALED_MS);
  });

  it('lets nobody in while the database cannot be asked either', async () => {
    const { tokens } = await signUp(app);
    expect(await statusFor(far, tokens.accessToken)).toBe(200);
    wire.cut('all');
    await until(() => !isLive(), 'the cut is noticed', NOTICED_MS);
    const answer = await far.client().withToken(tokens.accessToken).get('/v1/users/me');
    expectProblem(answer, 503, 'database_unavailable');
    wire.heal();
    await until(
      async () => (await statusFor(far, tokens.accessToken)) === 200,
      'the token is good again',
      HEALED_MS,
    );
  });
});

describe('an instance whose feed is silent, on a connection that looks open', () => {
  it('does not trust the silence for long', async () => {
    const { tokens, client } = await signUp(app);
    expect(await statusFor(far, tokens.accessToken)).toBe(200);
    wire.silenceFeed();
    await client.post('/v1/auth/logout');
    await until(
      async () => (await statusFor(far, tokens.accessToken)) === 401,
      'the token is refused',
      NOTICED_MS,
    );
    await until(isLive, 'the feed is back', HEALED_MS);
    expect(await statusFor(far, tokens.accessToken)).toBe(401);
  });

  it('still ends its own sessions before it says so', async () => {
    const { tokens } = await signUp(far);
    wire.silenceFeed();
    const client = far.client().withToken(tokens.accessToken);
    expect((await client.post('/v1/auth/logout')).status).toBe(204);
    expectProblem(await client.get('/v1/users/me'), 401, 'invalid_token');
  });
});

describe('an instance that starts after the revocation', () => {
  let late: TestApp;
  afterEach(() => late.close());

  it('refuses the token', async () => {
    const [leaver, stayer] = [await signUp(app), await signUp(app)];
    await leaver.client.post('/v1/auth/logout');
    late = await startApp({ database: app.database });
    const { tokens } = leaver;
    expect(await statusFor(late, tokens.accessToken)).toBe(401);
    expect(await statusFor(late, stayer.tokens.accessToken)).toBe(200);
  });

  // A refresh that ran beside the revocation may have issued the token some seconds after it.
  it('remembers the revocation for longer than a token lives', async () => {
    const { id, tokens, client } = await signUp(app);
    await client.post('/v1/auth/logout');
    await app.database.query(
      `UPDATE session_revocations SET revoked_at = now() - interval '605 seconds'
       WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)`,
      [id],
    );
    late = await startApp({ database: app.database });
    expect(await statusFor(late, tokens.accessToken)).toBe(401);
  });
});
