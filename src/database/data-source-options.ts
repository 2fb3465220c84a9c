import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { Config } from '../config/config.js';
import { MIGRATION_OPTIONS } from './migrations.js';
import { PreparedClient } from './prepared-client.js';

/** Waits are bounded, so that a slow database costs an answer and never the process. Milliseconds. */
export const DATABASE_LIMITS = {
  connect: 2_000,
  statement: 5_000,
  lock: 3_000,
  idleInTransaction: 10_000,
  /** Kept by the client: it ends the wait when the server or the network says nothing at all. */
  answer: 7_000,
};

/** How the app reaches PostgreSQL. Nothing is ever synchronized: `migrations/` is the schema. */
export function dataSourceOptions(config: Config): PostgresDataSourceOptions {
  return {
    ...MIGRATION_OPTIONS,
    type: 'postgres',
    url: config.databaseUrl,
    applicationName: 'bulwark',
    synchronize: false,
    installExtensions: false,
    // Its text holds every bound value, e-mail addresses and contents among them.
    logging: false,
    connectTimeoutMS: DATABASE_LIMITS.connect,
    extra: {
      Client: PreparedClient,
      max: config.databasePoolSize,
      statement_timeout: DATABASE_LIMITS.statement,
      lock_timeout: DATABASE_LIMITS.lock,
      idle_in_transaction_session_timeout: DATABASE_LIMITS.idleInTransaction,
      query_timeout: DATABASE_LIMITS.answer,
    },
  };
}
