// npm run migrate [-- undo]: brings the database to the newest schema, or takes the last step back.
import { ConfigError, readEnvironment, type Values } from '../config/environment.js';
import { brokenRules, databaseRules } from '../config/links.js';
import { developmentOwnerUrls, developmentSecrets } from '../database/development.js';
import { migrate, provisionApp, undoLastMigration } from '../database/provision.js';

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const values = readValues();
  const given = { owner: values.DATABASE_OWNER_URL, app: values.DATABASE_URL };
  if (!given.owner && given.app)
    throw new Error('Set DATABASE_OWNER_URL to the same database as its owner');
  const { owner, app, stop } = given.owner
    ? { owner: given.owner, app: given.app, stop: async () => {} }
    : await developmentOwnerUrls();
  try {
    if (process.argv[2] === 'undo') {
      say(`Undone: ${(await undoLastMigration(owner)) ?? 'nothing'}`);
      return;
    }
    const names = await migrate(owner, await developmentSecrets(process.env));
    if (app) await provisionApp(owner, app);
    say(`Migrations run: ${names.join(', ') || 'none, the schema is current'}`);
  } finally {
    await stop();
  }
}

/** The owner's password is worth more than the app's: its link is held to the same rules. */
function readValues(): Values {
  const values = readEnvironment(process.env);
  const faults = brokenRules(databaseRules(values, process.env));
  if (values.NODE_ENV === 'production' && faults.length > 0) throw new ConfigError(faults);
  return values;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
