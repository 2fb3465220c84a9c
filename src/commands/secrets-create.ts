// npm run secrets:create -- FOLDER: writes new secrets for production, one file each.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAppSecret, createEncryptionJwk, createSigningJwk } from '../config/secrets.js';
import { createPassword } from '../database/embedded-postgres.js';
import { readArguments, say } from './command.js';

const USAGE = `npm run secrets:create -- FOLDER

Writes new secrets for production into FOLDER, one file each, and never over one that is there.`;

const { words } = readArguments({
  usage: USAGE,
  takes: ({ length }) => length === 1,
});
const [folder = ''] = words;
const ownerPassword = createPassword();
const databaseUrl = (user: string, password: string) =>
  `postgres://${user}:${password}@127.0.0.1:5432/bulwark`;
const secrets = {
  app_secret: createAppSecret(),
  'keys/signing_keys': JSON.stringify({ keys: [createSigningJwk()] }),
  'keys/encryption_keys': JSON.stringify({ keys: [createEncryptionJwk()] }),
  // For the database of docker-compose.yml. One of your own has its own addresses: write them here.
  postgres_password: ownerPassword,
  database_owner_url: databaseUrl('bulwark_owner', ownerPassword),
  database_url: databaseUrl('bulwark_login', createPassword()),
};
const files = Object.entries(secrets).map(([name, value]) => [join(folder, name), value] as const);
// Never over a secret that is there, which would end every session; nor half a set beside it.
const taken = files.map(([file]) => file).filter((file) => existsSync(file));
if (taken.length > 0) {
  process.stderr.write(`There already: ${taken.join(', ')}. Name a new folder.\n`);
  process.exit(1);
}
// `keys:rotate` writes into the folder of the keys, and has no business in the other one.
mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
for (const [file, value] of files) {
  writeFileSync(file, value, { mode: 0o600, flag: 'wx' });
  say(file);
}
