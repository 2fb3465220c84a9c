// npm run migrate:new -- add-tags: makes the next, empty migration.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , words = ''] = process.argv;
const folder = join(import.meta.dirname, '../../migrations');
if (!/^[a-z0-9-]+$/.test(words)) {
  process.stderr.write('Say what it does in kebab-case: npm run migrate:new -- add-tags\n');
  process.exit(1);
}
const last = Math.max(0, ...readdirSync(folder).map((file) => Number.parseInt(file, 10) || 0));
const file = `${String(last + 1).padStart(4, '0')}-${words}.sql`;
writeFileSync(join(folder, file), '-- up\n\n\n-- down\n\n', { flag: 'wx' });
process.stdout.write(`migrations/${file}\n`);
