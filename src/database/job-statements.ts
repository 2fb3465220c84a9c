import type { Db } from 'pg-boss';
import type { DataSource, EntityManager } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { severalForNobody, type ActingQuery } from './acting-query.js';

interface Connection {
  query(statement: string | ActingQuery, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** The app's connections, as pg-boss wants them. */
export const onPool = (dataSource: DataSource): Db =>
  through(() => (dataSource.driver as PostgresDriver).master as Connection);

/** The connection of this transaction; throws where there is none. */
export async function inTransaction({ queryRunner: runner }: EntityManager) {
  if (!runner?.isTransactionActive)
    throw new Error('A job is added inside the transaction that causes it');
  const client = (await runner.connect()) as Connection;
  return { runner, db: through(() => client) };
}

/** The statements are pg-boss's own and bind what is ours. What binds nothing may be several at once. */
const through = (connection: () => Connection): Db => ({
  executeSql: (text, values = []) =>
    values.length > 0
      ? connection().query(text, values)
      : connection().query(severalForNobody(text)),
});
