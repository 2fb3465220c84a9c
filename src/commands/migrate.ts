// npm run migrate [-- undo]: brings the database to the newest schema, or takes the last step back.
import { developmentSecrets } from '../database/development.js';
import { migrate, provisionApp, undoLastMigration } from '../database/provision.js';
import { fail, readArguments, say } from './command.js';
import { ownerUrls } from './owner-urls.js';

const USAGE = `npm run migrate
npm run migrate:undo

Brings the database to the newest schema, or takes the last step back.`;

async function main(): Promise<void> {
  const { words } = readArguments({
    usage: USAGE,
    takes: (given) => ['', 'undo'].includes(given.join(' ')),
  });
  const { owner, app, stop } = await ownerUrls(process.env);
  try {
    if (words[0] === 'undo') {
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

main().catch(fail);
