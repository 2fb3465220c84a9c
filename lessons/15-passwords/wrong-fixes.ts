import type { WrongFix } from '../engine/lesson.js';
import { ASKS, BREACHES, HASHER, IMPORT, POLICY, sha256 } from './parts.js';

const change = (file: string, find: string, replace: string) => ({
  edits: [{ file, find, replace }],
});

const COMMON = 'if (isCommon(repeatedUnit(rest)) || isCommon(rest))';

export const wrongFixes: WrongFix[] = [
  {
    id: 'password-advice',
    title: 'The usual advice: an address, five characters, and the list of errors as the answer',
    why: 'Five characters are a morning’s work, nobody asks for the list, and the answer repeats what was typed.',
    change: {
      edits: [
        {
          file: POLICY,
          find: 'const reason = weakness(password, owner.email, minimum);',
          replace: `const reason = password.length < 5 ? ['min', 'has too few characters'] : undefined;`,
        },
        {
          file: POLICY,
          find: 'message: reason[1] }',
          replace: 'message: reason[1], value: password }',
        },
      ],
    },
    opens: [
      'password-short',
      'password-short-emoji',
      'password-ligature',
      'password-few',
      'password-common',
      'password-common-capitals',
      'password-common-repeated',
      'password-common-joined',
      'password-common-wide',
      'password-address',
      'password-name',
      'password-change-common',
      'password-echo',
    ],
  },
  {
    id: 'password-utf16',
    title: 'Count the length as JavaScript does',
    why: 'An emoji counts twice, and a ligature counts as all its letters.',
    change: change(
      POLICY,
      'Math.min(lengthOf(normalize(typed)), lengthOf(typed));',
      'normalize(typed).length;',
    ),
    opens: ['password-short-emoji', 'password-ligature'],
  },
  {
    id: 'password-exact-list',
    title: 'Look the password up in the list as it is',
    why: 'Twice the same word is not on the list, nor two words, nor a word with a capital.',
    change: {
      edits: [{ file: POLICY, find: COMMON, replace: 'if (COMMON.has(password))' }],
    },
    opens: ['password-common-capitals', 'password-common-repeated', 'password-common-joined'],
  },
  {
    id: 'password-not-the-address',
    title: 'Refuse the address itself',
    why: 'Its first half, twice, is not the address.',
    change: change(
      POLICY,
      "const rest = withoutContext(plain, [email, account, 'bulwark']);",
      "const rest = plain.replace(email, '').replace('bulwark', '');",
    ),
    opens: ['password-name'],
  },
  {
    id: 'password-cut',
    title: 'Cut what is too long',
    why: 'Everything behind the cut is no longer part of the password.',
    change: change(HASHER, "password.normalize('NFKC')", "password.normalize('NFKC').slice(0, 72)"),
    opens: ['password-prefix'],
  },
  {
    id: 'password-breached-at-sign-up',
    title: 'Ask the list where people sign up',
    why: 'They change their password elsewhere.',
    change: change(BREACHES, ASKS, `if (at === '/newPassword') return;\n    ${ASKS}`),
    opens: ['password-change-breached'],
  },
  {
    id: 'password-salted-sha',
    title: 'A fast hash with a salt',
    why: 'The salt keeps rows apart; the list runs against one row as fast as before.',
    change: change(HASHER, IMPORT, sha256('randomUUID()')),
    opens: ['password-dictionary'],
  },
];
