import type { Lesson } from './lesson.js';

/** Lessons that come with later capabilities find their place in these. */
const PARTS: [from: string, title: string][] = [
  ['00', 'Before you begin'],
  ['01', 'Who may do what, and with which data'],
  ['09', 'Who it is: passkeys, tokens, sessions, passwords'],
  ['20', 'What surrounds the code'],
  ['25', 'When somebody leaves'],
  ['26', 'Behind the app: its data, its record, its lines'],
];

/** The table of contents, lessons/README.md. */
export function contents(lessons: Lesson[]): string {
  const parts = PARTS.flatMap(([from, title], index) => {
    const end = PARTS[index + 1]?.[0] ?? '99';
    const own = lessons.filter(({ folder }) => folder >= from && folder < end);
    return [
      `## ${title}`,
      '',
      '| lesson | claim | controls | attacks |',
      '| --- | --- | --- | --- |',
    ]
      .concat(own.map(row))
      .concat('');
  });
  return [...HEAD, ...parts, ...ADVICE].join('\n');
}

const row = ({ folder, title, claim, controls, attacks }: Lesson) =>
  `| [${folder.slice(0, 2)} ${title}](${folder}/README.md) | ${claim} | ${controls.length} | ${attacks.length} |`;

const HEAD = [
  '# Lessons',
  '',
  'One folder a threat: its story, its attacks, our controls, what happens when exactly one of them is',
  'taken out, and the fixes that look right and are not. Everything here runs on the real app.',
  '[MATRIX.md](MATRIX.md) says which removal lets which attack through. Written by `npm run prove`.',
  '',
  '```sh',
  'npm run lessons                    # the list',
  'npm run lessons -- 03              # one lesson, step by step, on real instances',
  'npm run lessons -- 03 --break      # a copy of the project with one control gone: find it, mend it',
  'npm run lessons -- 03 --judge      # does your mend hold?',
  'npm run attack -- bola-read --without bola-read-predicate --without rls-actor',
  'npm run attack -- bola-read --target https://your-own-api.example.com --accounts two.json',
  'npm run prove                      # every control in every state',
  '```',
  '',
  'Some exercises look into the database. `npm run -s db:url` prints its address while the app runs:',
  '`psql "$(npm run -s db:url)"`, `pg_dump --enable-row-security "$(npm run -s db:url)"`. These two do not',
  'come with npm: install the client of PostgreSQL 18 (Debian: `postgresql-client-18`).',
  '',
];

const ADVICE = [
  '## Common advice, and what it leaves open',
  '',
  'What articles teach again and again. Each lesson shows our own sketch of it and runs it for real.',
  '',
  '| advice | lesson |',
  '| --- | --- |',
  '| against SQL injection, bind the values | [06](06-sql-injection/README.md) |',
  '| take `password` out of the rows that you answer with | [05](05-excessive-data/README.md) |',
  '| sign `{ username, role }` with a secret word, split the header | [10](10-access-tokens/README.md) |',
  '| 100 requests a quarter of an hour and address, in memory | [07](07-resource-consumption/README.md), [13](13-password-guessing/README.md) |',
  '| check two fields, five characters, and answer with the errors | [04](04-mass-assignment/README.md), [15](15-passwords/README.md) |',
  '| encrypt sensitive fields with `createCipher` and a key | [27](27-encryption-at-rest/README.md) |',
  '| a token that is good for 24 hours and needs no database | [12](12-revocation/README.md) |',
  '',
];
