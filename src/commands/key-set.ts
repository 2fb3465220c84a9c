import type { JsonWebKey } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Environment } from '../config/environment.js';

/** When it was made, in seconds: a rotation that was interrupted tells by it which key is the new one. */
export type StoredKey = JsonWebKey & { kid: string; iat?: number };

/** The keys of one variable, wherever they are kept. */
export interface KeySet {
  keys: StoredKey[];
  /** False where only the operator can change them: in the environment. */
  isFile: boolean;
  /** Under its name the file is never half written, and its owner's alone. */
  write: (keys: StoredKey[]) => void;
}

export function openKeySet(env: Environment, name: 'SIGNING_KEYS' | 'ENCRYPTION_KEYS'): KeySet {
  const file = env[`${name}_FILE`];
  const text = file ? readFileSync(file, 'utf8') : env[name];
  if (!text)
    throw new Error(`${name} is missing: set ${name}, or ${name}_FILE to a file that holds it`);
  const { keys } = JSON.parse(text) as { keys: StoredKey[] };
  return { keys, isFile: file !== undefined, write: (changed) => write(file, changed) };
}

function write(file: string | undefined, keys: StoredKey[]): void {
  if (!file) throw new Error('keys in the environment are changed by whoever sets it');
  const draft = `${file}.new`;
  writeFileSync(draft, JSON.stringify({ keys }), { mode: 0o600 });
  renameSync(draft, file);
}

export const madeNow = (jwk: JsonWebKey): StoredKey =>
  ({ ...jwk, iat: Math.floor(Date.now() / 1_000) }) as StoredKey;
