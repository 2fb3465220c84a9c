import { DataSource } from 'typeorm';
import { Config } from '../config/config.js';
import { readEnvironment, type Environment } from '../config/environment.js';
import { acrossOwners } from '../database/acting.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { completeEnvironment, developmentOwnerUrls } from '../database/development.js';

type Work = (dataSource: DataSource, config: Config) => Promise<void>;

/** The owner's address, which the server must not have, and all the rest, from which the keys come. */
function split({ DATABASE_OWNER_URL: _url, DATABASE_OWNER_URL_FILE: _file, ...rest }: Environment) {
  return { owner: readEnvironment(process.env).DATABASE_OWNER_URL, rest };
}

async function ownerUrl(given: string | undefined): Promise<string> {
  if (given) return given;
  if (process.env['DATABASE_URL'])
    throw new Error('Set DATABASE_OWNER_URL to the same database as its owner');
  return (await developmentOwnerUrls()).owner;
}

/** Runs a command of the audit log as the app, or as the owner of the database. */
export async function withAuditDatabase(role: 'app' | 'owner', work: Work): Promise<void> {
  const { env, stop } = await completeEnvironment(process.env);
  try {
    const { owner, rest } = split(env);
    const config = new Config(rest);
    const url = role === 'owner' ? await ownerUrl(owner) : config.databaseUrl;
    const { extra, ...options } = dataSourceOptions(config);
    // A walk through all of it takes as long as it takes.
    const patient = { ...extra, statement_timeout: 0, query_timeout: 0 };
    const dataSource = await new DataSource({ ...options, url, extra: patient }).initialize();
    await workWith(dataSource, config, work);
  } finally {
    await stop();
  }
}

async function workWith(dataSource: DataSource, config: Config, work: Work): Promise<void> {
  try {
    await acrossOwners(() => work(dataSource, config));
  } finally {
    await dataSource.destroy();
  }
}

export const say = (text: string) => process.stdout.write(`${text}\n`);

export function fail(error: Error): void {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
