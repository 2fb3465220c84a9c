// npm run migrate:new -- add-tags: makes the next, empty migration.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, say } from './command.js';

const USAGE = `npm run migrate:new -- add-tags

Makes the next migration, empty. Say in kebab-case what it does.`;

const folder = join(import.meta.dirname, '../../migrations');
const { words } = readArguments({
  usage: USAGE,
  takes: (given) => /^[a-z0-9-]+$/.test(given.join(' ')),
});
const last = Math.max(0, ...readdirSync(folder).map((file) => Number.parseInt(file, 10) || 0));
const file = `${String(last + 1).padStart(4, '0')}-${words[0]}.sql`;
writeFileSync(join(folder, file), '-- up\n\n\n-- down\n\n', { flag: 'wx' });
say(`migrations/${file}`);
