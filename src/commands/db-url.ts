// npm run db:url [-- --app]: the address of the development database, for psql, while the app runs.
import { runningUrls } from '../database/development.js';
import { fail, readArguments, say } from './command.js';

const USAGE = `npm run db:url [-- --app]

Prints the address of the development database, for psql and pg_dump, while the app runs: as its owner, who
sees everybody's rows.

  --app   as the app's role, which sees nobody's until it says on whose behalf it asks`;

async function main(): Promise<void> {
  const { values } = readArguments({ usage: USAGE, options: { app: { type: 'boolean' } } });
  const urls = await runningUrls();
  if (!urls) throw new Error('There is no development database running: npm start');
  say(values.app ? urls.app : urls.owner);
}

main().catch(fail);
