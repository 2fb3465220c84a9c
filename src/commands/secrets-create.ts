// npm run secrets:create -- FOLDER: writes new secrets for production, one file each.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAppSecret, createEncryptionJwk, createSigningJwk } from '../config/secrets.js';
import { createPassword } from '../database/embedded-postgres.js';

const [, , folder] = process.argv;
if (!folder) {
  process.stderr.write('Name a folder: npm run secrets:create -- ./secrets\n');
  process.exit(1);
}
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
  process.stdout.write(`${file}\n`);
}
