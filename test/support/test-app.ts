import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { createApp } from '../../src/app.setup.js';
import { Config } from '../../src/config/config.js';
import type { Environment } from '../../src/config/environment.js';
import { createDevelopmentSecrets, createEncryptionJwk } from '../../src/config/secrets.js';
import { listen } from '../../src/listeners.js';
import { Client } from './client.js';
import { overhear, searchAndDrop } from './overheard.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

/** Instances in one test share their secrets, as instances of one deployment do. */
const secrets = {
  ...createDevelopmentSecrets(),
  // Also good in production, where a test or a lesson puts on the whole of it.
  ENCRYPTION_KEYS: JSON.stringify({ keys: [createEncryptionJwk()] }),
};

/** The test client stands where a proxy would stand, so that each client can have its own address. */
export const testEnvironment = (databaseUrl: string): Environment => ({
  ...secrets,
  NODE_ENV: 'test',
  PORT: '0',
  LOG_LEVEL: 'fatal',
  TRUSTED_PROXY_HOPS: '1',
  DATABASE_URL: databaseUrl,
  // Nobody listens there: mails wait, and no file is left.
  SMTP_URL: 'smtp://127.0.0.1:1',
});

/** A running instance with real HTTP and real PostgreSQL. */
export interface TestApp {
  app: NestFastifyApplication;
  url: string;
  config: Config;
  database: TestDatabase;
  /** A new client with an address of its own. */
  client: () => Client;
  close: () => Promise<void>;
}

interface Options {
  /** Another instance's database, which that instance drops. */
  database?: TestDatabase;
  env?: Environment;
  module?: (config: Config) => DynamicModule;
}

overhear();

export async function startApp({ database, env, module }: Options = {}): Promise<TestApp> {
  const db = database ?? (await createTestDatabase());
  const config = new Config({ ...testEnvironment(db.urls.app), ...env });
  const app = await createApp(config, module?.(config));
  await listen(app, config);
  const url = await app.getUrl();
  return {
    app,
    url,
    config,
    database: db,
    client: () => new Client(url),
    close: async () => {
      await app.close();
      if (!database) await searchAndDrop(db);
    },
  };
}
