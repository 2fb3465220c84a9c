import type { Control, Edit, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const CONFIG = 'src/config/config.ts';
const LINKS = 'src/config/links.ts';
const SECRETS = 'src/config/secrets.ts';

const SHORT = 'bytes.length < MIN_SECRET_BYTES';
const REPEATED = 'new Set(bytes).size < MIN_DISTINCT_BYTES';

const inSecrets = (find: string, replace: string): { edits: Edit[] } => ({
  edits: [{ file: SECRETS, find, replace }],
});

const controls: Control[] = [
  {
    id: 'secret-required',
    title: 'Production has no default secret',
    file: CONFIG,
    removal: {
      edits: [
        {
          file: CONFIG,
          find: "readAppSecret(required(values, 'APP_SECRET'), this.production)",
          replace: "readAppSecret(values.APP_SECRET ?? '', this.production)",
        },
      ],
    },
    opens: [],
  },
  {
    id: 'secret-length',
    title: 'APP_SECRET has 32 bytes or more, counted after decoding',
    file: SECRETS,
    removal: inSecrets(`!/^[\\w-]+={0,2}$/.test(bare) || ${SHORT}`, 'false'),
    opens: ['secret-short'],
  },
  {
    id: 'secret-variety',
    title: 'APP_SECRET does not repeat itself',
    file: SECRETS,
    removal: inSecrets(REPEATED, 'false'),
    opens: ['secret-repeated'],
  },
  {
    id: 'secret-mark',
    title: 'Development marks its secret, and production refuses the mark',
    file: SECRETS,
    removal: inSecrets('production && text.startsWith(DEVELOPMENT_MARK)', 'false'),
    opens: ['secret-of-development'],
  },
  {
    id: 'key-mark',
    title: 'Development marks its keys, and production refuses the mark',
    file: SECRETS,
    removal: inSecrets('production && kid.startsWith(DEVELOPMENT_MARK)', 'false'),
    opens: ['key-of-development'],
  },
  {
    id: 'database-link',
    title: 'A database on another machine is reached with TLS that checks who answers',
    file: LINKS,
    removal: {
      edits: [
        {
          file: LINKS,
          find: 'url !== undefined && !isDatabaseLinkSafe(url)',
          replace: 'false',
        },
      ],
    },
    opens: ['wire-plain', 'wire-disabled'],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'secret-length-in-characters',
    title: 'Count the characters of the secret',
    why: 'Four characters of base64 are three bytes: 32 of them are 24.',
    change: inSecrets(SHORT, 'bare.length < MIN_SECRET_BYTES'),
    opens: ['secret-short'],
  },
  {
    id: 'secret-word-list',
    title: 'Refuse "secret", "changeme" and "password"',
    why: 'The same word six times is another word, and there are many words.',
    change: inSecrets(REPEATED, '/^(secret|changeme|password)$/i.test(bytes.toString())'),
    opens: ['secret-repeated'],
  },
  {
    id: 'database-link-any-mode',
    title: 'Ask for any sslmode',
    why: '"disable" is one, and "require" takes whoever answers for the database.',
    change: {
      edits: [
        {
          file: LINKS,
          find: "(modes.length === 1 && modes[0] === 'verify-full')",
          replace: 'modes.length === 1',
        },
      ],
    },
    opens: ['wire-disabled'],
  },
];

export const lesson: Lesson = {
  folder: '24-secrets-at-start',
  title: 'Secrets at start',
  claim:
    'In production the app starts with secrets that nobody can guess and nobody has seen, and with a private link to its data, or it does not start.',
  asvs: ['11.2.3', '11.5.1', '12.3.1', '12.3.2', '13.2.3', '13.3.1'],
  api: ['API8:2023'],
  attacks,
  controls,
  wrongFixes,
  stacks: [
    {
      controls: ['secret-required', 'secret-length', 'secret-variety'],
      opens: ['secret-missing', 'secret-short', 'secret-repeated'],
    },
  ],
  use: async (target) => {
    const ada = await target.person('ada');
    await target.resource(ada);
  },
};
