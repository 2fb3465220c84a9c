export const POLICY = 'src/auth/password-policy.ts';
export const HASHER = 'src/auth/password-hasher.ts';
export const BREACHES = 'src/auth/breached-passwords.service.ts';

export const ASKS =
  'if (!this.config.breachedPasswordsUrl || !(await this.isKnown(password))) return;';
export const IMPORT = "import { hash, verify, type Options } from '@node-rs/argon2';";

/** What the database asks of a password's hash. */
export const FORM = '$argon2id$';

/** A fast hash that looks like the slow one from outside: the database takes it for one. */
export const sha256 = (
  salt: "''" | 'randomUUID()',
) => `import { createHash, randomUUID } from 'node:crypto';

type Options = object;
const digest = (salt: string, text: string) =>
  \`${FORM}\${salt}:\${createHash('sha256').update(salt + text).digest('hex')}\`;
const hash = async (text: string, _options: Options) => digest(${salt}, text);
const verify = async (stored: string, text: string) =>
  digest(stored.slice(${FORM.length}).split(':')[0] ?? '', text) === stored;`;
