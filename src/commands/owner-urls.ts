import { ConfigError, readEnvironment, type Environment } from '../config/environment.js';
import { brokenRules, databaseRules } from '../config/links.js';
import { developmentOwnerUrls } from '../database/development.js';

/**
 * The database as its owner, as the environment names it or as development has it. The owner's password is
 * worth more than the app's: its link is held to the same rules.
 */
export async function ownerUrls(env: Environment) {
  const values = readEnvironment(env);
  const faults = brokenRules(databaseRules(values, env));
  if (values.NODE_ENV === 'production' && faults.length > 0) throw new ConfigError(faults);
  const { DATABASE_OWNER_URL: owner, DATABASE_URL: app } = values;
  if (owner) return { owner, app, stop: async () => {} };
  if (app) throw new Error('Set DATABASE_OWNER_URL to the same database as its owner');
  return developmentOwnerUrls(env);
}
