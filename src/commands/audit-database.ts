import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import type { Environment } from '../config/environment.js';
import { acrossOwners } from '../database/acting.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { completeEnvironment } from '../database/development.js';
import { ownerUrls } from './owner-urls.js';

type Work = (dataSource: DataSource, config: Config) => Promise<void>;

/** Without the owner's address, which the server must not have. */
const configOf = ({
  DATABASE_OWNER_URL: _url,
  DATABASE_OWNER_URL_FILE: _file,
  ...rest
}: Environment) => new Config(rest);

/** Runs a command of the audit log as the app, or as the owner of the database. */
export async function withAuditDatabase(role: 'app' | 'owner', work: Work): Promise<void> {
  const { env, stop } = await completeEnvironment(process.env);
  try {
    const config = configOf(env);
    const server = role === 'owner' ? await ownerUrls(process.env) : undefined;
    try {
      await connect(config, server?.owner ?? config.databaseUrl, work);
    } finally {
      await server?.stop();
    }
  } finally {
    await stop();
  }
}

async function connect(config: Config, url: string, work: Work): Promise<void> {
  const { extra, ...options } = dataSourceOptions(config);
  // A walk through all of it takes as long as it takes.
  const patient = { ...extra, statement_timeout: 0, query_timeout: 0 };
  const dataSource = await new DataSource({ ...options, url, extra: patient }).initialize();
  try {
    await acrossOwners(() => work(dataSource, config));
  } finally {
    await dataSource.destroy();
  }
}
