// npm run secrets:create -- FOLDER: writes new secrets for production, one file each.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAppSecret, createSigningJwk } from '../config/secrets.js';

const [, , folder] = process.argv;
if (!folder) {
  process.stderr.write('Name a folder: npm run secrets:create -- ./secrets\n');
  process.exit(1);
}
mkdirSync(folder, { recursive: true, mode: 0o700 });
const secrets = {
  APP_SECRET: createAppSecret(),
  SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }),
};
for (const [name, value] of Object.entries(secrets)) {
  const file = join(folder, name.toLowerCase());
  // "wx": never over a secret that is there, which would end every session.
  writeFileSync(file, value, { mode: 0o600, flag: 'wx' });
  process.stdout.write(`${name}_FILE=${file}\n`);
}
