import type { Change, Control, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const SEALING = 'src/crypto/sealing.ts';
const FIELDS = 'src/crypto/sealed-fields.ts';
const INDEXES = 'src/crypto/blind-indexes.ts';
const KEYS = 'src/crypto/data-keys.ts';
const WRAPPER = 'src/crypto/local-key-wrapper.ts';
const MIGRATION = 'migrations/0013-encryption.sql';

type Replacement = [find: string, replace: string];

const change = (file: string, ...replacements: Replacement[]): Change => ({
  edits: replacements.map(([find, replace]) => ({ file, find, replace })),
});

/** In all tables but `users`, whose rows the lab writes itself, sealed as shipped. */
const SEAL: Replacement = [
  'sealValue(key, placeOf(table, field, row), bytesOf(value))',
  "(table.table === 'users' ? sealValue(key, placeOf(table, field, row), bytesOf(value)) : OTHER)",
];
const OPEN: Replacement = [
  'const bytes = openValue(key, place, sealed);',
  "const bytes = place.table === 'users' ? openValue(key, place, sealed) : OTHER;",
];
const sealedAs = (seal: string, open: string): Replacement[] => [
  [SEAL[0], SEAL[1].replace('OTHER', seal)],
  [OPEN[0], OPEN[1].replace('OTHER', open)],
];
const HEAD = "Buffer.of(1), Buffer.from(key.id, 'hex')";
const OWNER = 'if (!key || key.owner !== owner)';
const ROW: Replacement = [
  '  row: keys.map(',
  "  row: keys.slice(table === 'users' ? 0 : keys.length).map(",
];

/** A cascade less: the key stays when its owner goes. */
const KEPT_KEYS = 'ALTER TABLE keys.data_keys DROP CONSTRAINT data_keys_owner_id_fkey';

/** The constraints stand, and ask for nothing. */
const ANYTHING = `CREATE OR REPLACE FUNCTION is_sealed(value bytea) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN true`;

const controls: Control[] = [
  {
    id: 'crypt-sealed',
    title: 'Contents are encrypted before they are stored',
    file: FIELDS,
    removal: change(
      FIELDS,
      ...sealedAs(
        `Buffer.concat([${HEAD}, Buffer.alloc(28), bytesOf(value)])`,
        'Buffer.from(sealed.subarray(45))',
      ),
    ),
    opens: [
      'crypt-read-dump',
      'crypt-twins',
      'crypt-known-stream',
      'crypt-flip',
      'crypt-swap-rows',
      'factor-read-seed',
      'factor-read-seed-by-own',
    ],
  },
  {
    id: 'crypt-place',
    title: 'A sealed value opens in its own row and column, and nowhere else',
    file: FIELDS,
    removal: change(
      FIELDS,
      [
        '=> ({\n  table,\n  column,\n',
        "=> ({\n  table,\n  column: table === 'users' ? column : '',\n",
      ],
      ROW,
    ),
    opens: ['crypt-swap-rows'],
  },
  {
    id: 'crypt-owner',
    title: 'A sealed value opens for the owner of its key',
    file: FIELDS,
    removal: change(FIELDS, [OWNER, 'if (!key)']),
    opens: ['crypt-take-over', 'factor-move-row'],
  },
  {
    id: 'crypt-tag',
    title: 'What was changed is not handed out',
    file: SEALING,
    removal: change(SEALING, ['  decipher.final();\n', '']),
    opens: ['crypt-flip', 'crypt-swap-rows'],
  },
  {
    id: 'crypt-nonce',
    title: 'Each value has a nonce of its own',
    file: SEALING,
    removal: change(SEALING, [
      'const nonce = randomBytes(NONCE_BYTES);',
      'const nonce = Buffer.alloc(NONCE_BYTES);',
    ]),
    opens: ['crypt-twins', 'crypt-known-stream'],
  },
  {
    id: 'crypt-index-key',
    title: 'The index of addresses is a keyed hash',
    file: INDEXES,
    removal: change(
      INDEXES,
      ["createHmac('sha256', this.config.keys.emailIndex)", "createHash('sha256')"],
      ['import { createHmac }', 'import { createHash, createHmac }'],
    ),
    opens: ['crypt-find-address'],
  },
  {
    id: 'crypt-wrapped',
    title: 'Data keys are stored wrapped, by a key that the database never sees',
    file: KEYS,
    // The app's own key opens the mails, which the lab reads: it stays as it is.
    removal: change(
      KEYS,
      [
        'const wrapped = await this.wrapper.wrap(bytes, context);',
        `const wrapped = owner
      ? { wrapped: bytes, kek: this.wrapper.current() }
      : await this.wrapper.wrap(bytes, context);`,
      ],
      [
        'const bytes = await this.wrapper.unwrap({ wrapped, kek }, context);',
        `const bytes = wrapped.length === KEY_BYTES
        ? wrapped
        : await this.wrapper.unwrap({ wrapped, kek }, context);`,
      ],
    ),
    opens: ['crypt-keys-in-dump'],
  },
  {
    id: 'crypt-key-owner',
    title: 'A wrapped key opens for the owner that it was wrapped for',
    file: WRAPPER,
    removal: change(WRAPPER, [
      'Buffer.concat([decipher.update(body), decipher.final()]);\n  }\n\n  current',
      'decipher.update(body);\n  }\n\n  current',
    ]),
    opens: ['crypt-take-key'],
  },
  {
    id: 'crypt-shredding',
    title: 'The key of an account goes with it',
    file: MIGRATION,
    removal: { sql: KEPT_KEYS },
    opens: ['crypt-deleted'],
  },
  {
    id: 'crypt-check',
    title: 'The database takes only what has the head of a sealed value',
    file: MIGRATION,
    removal: { sql: ANYTHING },
    opens: ['crypt-import'],
  },
  {
    id: 'crypt-column-proof',
    title: 'A column that nobody declared keeps the app from starting',
    file: 'src/crypto/column-proof.ts',
    removal: change('src/app.setup.ts', ['  await proveColumns(app.get(DataSource));\n', '']),
    opens: ['crypt-undeclared'],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'crypt-nonce-from-text',
    title: 'Derive the nonce from the text, so that it is never used twice by chance',
    why: 'The same text is the same ciphertext again: who wrote what somebody else wrote is to be seen.',
    change: change(
      SEALING,
      [
        'const nonce = randomBytes(NONCE_BYTES);',
        "const nonce = createHash('sha256').update(plaintext).digest().subarray(0, NONCE_BYTES);",
      ],
      ['import { createCipheriv,', 'import { createHash, createCipheriv,'],
    ),
    opens: ['crypt-twins'],
  },
  {
    id: 'crypt-cbc',
    title: 'AES-256-CBC with a random IV, as the article has it after its update',
    why: 'No tag: what was changed decrypts to something, and what was moved decrypts wherever it lies.',
    change: change(FIELDS, ...sealedAs('toCbc(key, bytesOf(value))', 'fromCbc(key, sealed)'), [
      "import { DataKeys } from './data-keys.js';",
      `import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DataKeys } from './data-keys.js';

const CBC = 'aes-256-cbc';
function toCbc(key: DataKey, value: Uint8Array): Buffer {
  const iv = randomBytes(16);
  const cipher = createCipheriv(CBC, key.key, iv);
  const body = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([${HEAD}, iv, Buffer.alloc(12), body]);
}
function fromCbc(key: DataKey, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(CBC, key.key, sealed.subarray(17, 33));
  return Buffer.concat([decipher.update(sealed.subarray(45)), decipher.final()]);
}`,
    ]),
    opens: ['crypt-swap-rows'],
  },
  {
    id: 'crypt-column-only',
    title: 'Bind the value to its table and column',
    why: 'Every row has that column.',
    change: change(FIELDS, ROW),
    opens: ['crypt-swap-rows'],
  },
  {
    id: 'crypt-one-key',
    title: 'One key for everybody: there is less to lose',
    why: 'It cannot be destroyed for one, and it opens whatever is moved to somebody else.',
    change: change(
      FIELDS,
      ['  if (owner === null) return null;\n', '  if (owner !== undefined) return null;\n'],
      [OWNER, 'if (!key)'],
    ),
    opens: ['crypt-deleted', 'crypt-take-over'],
  },
  {
    id: 'crypt-plain-hash',
    title: 'Hash the address with a salt of the app’s, which stands in the source',
    why: 'What everybody can compute, everybody with a list of addresses does.',
    change: change(
      INDEXES,
      ["createHmac('sha256', this.config.keys.emailIndex)", "createHash('sha256')"],
      ['import { createHmac }', 'import { createHash, createHmac }'],
    ),
    opens: ['crypt-find-address'],
  },
];

export const lesson: Lesson = {
  folder: '27-encryption-at-rest',
  title: 'Encryption at rest',
  claim:
    'A copy of the database tells nothing of what people wrote, whose address is in it, or what somebody deleted; and whoever changes it is found out.',
  asvs: ['11.3.2', '11.3.3', '11.3.4', '11.2.2', '13.3.3', '14.2.6'],
  api: ['API3:2023'],
  attacks,
  controls,
  wrongFixes,
  use: async (target) => {
    const ada = await target.person('ada');
    const { id } = await target.resource(ada, 'mine');
    const { body } = await ada.client.get<{ content?: string }>(`/v1/resources/${id}`);
    if (body.content !== 'mine') throw new Error('what was written does not come back');
  },
};
