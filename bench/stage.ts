import { Config } from '../src/config/config.js';
import type { Environment } from '../src/config/environment.js';
import { createAppSecret, createEncryptionJwk, createSigningJwk } from '../src/config/secrets.js';
import { createTestDatabase } from '../test/support/test-database.js';
import { startTestServer } from '../test/support/test-server.js';
import { createHash, fill, readOwners, type Owner } from './dataset.js';
import { addFactorOwners, type FactorOwner } from './second-factors.js';
import { freePort, startServer, type Server } from './servers.js';
import { makeUnprotectedLogin } from './unprotected-login.js';

const POOL_SIZE = 10;

/** A database that is full, and what an app needs to serve it. */
interface Ground {
  databaseUrl: string;
  /** The same, as a login that no row-level policy holds. */
  unprotectedUrl: string;
  env: Environment;
  owners: Owner[];
  factorOwners: FactorOwner[];
  stop: () => Promise<void>;
}

/** The servers, on that database. */
export interface Stage {
  app: Server;
  bare: Server;
  framework: Server;
  owners: Owner[];
  factorOwners: FactorOwner[];
  stop: () => Promise<void>;
}

export async function setGround(): Promise<Ground> {
  const stop = await startTestServer();
  const { urls } = await createTestDatabase();
  const hash = await createHash();
  const env = production(urls.app);
  const config = new Config(env);
  await fill(urls.owner, config, hash);
  const owners = await readOwners(urls.owner, config);
  const factorOwners = await addFactorOwners(urls.owner, config, hash);
  const unprotectedUrl = await makeUnprotectedLogin(urls.app);
  return { databaseUrl: urls.app, unprotectedUrl, env, owners, factorOwners, stop };
}

export async function setStage(): Promise<Stage> {
  const { unprotectedUrl, env, stop: stopPostgres, ...people } = await setGround();
  const app = await startApp(['dist/main.js'], env);
  const bare = await startUnprotected('bench/bare-server.ts', unprotectedUrl);
  const framework = await startUnprotected('bench/framework-server.ts', unprotectedUrl);
  const stop = async () => {
    await Promise.all([app, bare, framework].map((server) => server.stop()));
    await stopPostgres();
  };
  return { app, bare, framework, ...people, stop };
}

export async function startApp(args: string[], env: Environment): Promise<Server> {
  const port = await freePort();
  return startServer({ args, port, env: { ...env, PORT: `${port}` } });
}

/** As `npm run start:prod` needs it: every control is on, and there is no way to have it otherwise. */
const production = (databaseUrl: string) => ({
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://api.example.com',
  TRUSTED_PROXY_HOPS: '1',
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_SIZE: `${POOL_SIZE}`,
  SMTP_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'no-reply@example.com',
  APP_SECRET: createAppSecret(),
  SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }),
  ENCRYPTION_KEYS: JSON.stringify({ keys: [createEncryptionJwk()] }),
});

async function startUnprotected(program: string, databaseUrl: string): Promise<Server> {
  const port = await freePort();
  const compiling = ['--import', './scripts/typescript.js'];
  const args = [...compiling, program, databaseUrl, `${port}`, `${POOL_SIZE}`];
  return startServer({ args, port, env: { NODE_ENV: 'production' } });
}
