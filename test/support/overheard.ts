import { Client } from './client.js';
import { dump } from './dump.js';
import type { TestDatabase } from './test-database.js';

/** Of requests and answers: the database has these sealed or hashed, or not at all. */
const SENSITIVE = new Set([
  ...['accessToken', 'refreshToken', 'challengeToken', 'token', 'challenge'],
  ...['password', 'currentPassword', 'newPassword', 'secret', 'recoveryCodes'],
  ...['email', 'newEmail', 'displayName', 'content'],
]);
/** What is shorter is found by chance. */
const MIN_LENGTH = 12;
/** Where there are more, a test has made them with SQL. */
const MAX_ROWS = 5_000;

const sensitive = new Set<string>();
/** A test may send the same where it is sensitive and where it is not. What is answered excuses nothing. */
const plain = new Set<string>();

/** Every text of a body with the name of its field. */
function textsOf(value: unknown, name = ''): [name: string, text: string][] {
  if (typeof value === 'string') return [[name, value]];
  if (Array.isArray(value)) return value.flatMap((each) => textsOf(each, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => textsOf(each, key));
}

/** From here on, whatever the clients of this file say with success, and what they are told. */
export const overhear = (): void => {
  Client.overhear = (sent, told) => {
    for (const [name, text] of [...textsOf(sent), ...textsOf(told)])
      if (SENSITIVE.has(name) && text.length >= MIN_LENGTH) sensitive.add(text);
    for (const [name, text] of textsOf(sent)) if (!SENSITIVE.has(name)) plain.add(text);
  };
};

/** As JSON has it, and as bytes that nobody sealed. */
const formsOf = (secret: string) => [
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('hex'),
];

/** By how they begin: then one walk through a text is enough for all of them. */
function byBeginning(secrets: string[]): Map<string, string[]> {
  const forms = secrets.flatMap(formsOf);
  return Map.groupBy(forms, (form) => form.slice(0, MIN_LENGTH));
}

function foundIn(text: string, wanted: Map<string, string[]>): Set<string> {
  const found = new Set<string>();
  for (let at = 0; at + MIN_LENGTH <= text.length; at += 1)
    for (const form of wanted.get(text.slice(at, at + MIN_LENGTH)) ?? [])
      if (text.startsWith(form, at)) found.add(form);
  return found;
}

/** Throws where the database holds a sensitive value that went over the wire. */
export async function mustHoldNothingOverheard(database: TestDatabase): Promise<void> {
  const wanted = byBeginning([...sensitive].filter((secret) => !plain.has(secret)));
  const tables = await dump(database, undefined, MAX_ROWS);
  const found = tables.flatMap(({ table, rows }) =>
    [...foundIn(JSON.stringify(rows), wanted)].map((form) => `${table}: ${form}`),
  );
  if (found.length > 0) throw new Error(`A dump tells what was said:\n${found.join('\n')}`);
}

/** The end of every test file's database: a leak fails the file. */
export async function searchAndDrop(database: TestDatabase): Promise<void> {
  try {
    await mustHoldNothingOverheard(database);
  } finally {
    await database.drop();
  }
}
