import type { Control } from '../engine/lesson.js';
import { ASKS, BREACHES, HASHER, IMPORT, POLICY, sha256 } from './parts.js';

const remove = (file: string, find: string, replace = '') => ({
  edits: [{ file, find, replace }],
});

const line = (id: string, title: string, find: string, opens: string[]): Control => ({
  id,
  title,
  file: POLICY,
  removal: remove(POLICY, find, 'if (false)'),
  opens,
});

export const controls: Control[] = [
  line('password-minimum', 'Fifteen characters or more', 'if (effortOf(typed) < minimum)', [
    'password-short',
    'password-short-emoji',
    'password-ligature',
  ]),
  line(
    'password-distinct',
    'More than a few different ones',
    'if (Math.min(new Set(plain).size, new Set(typed).size) < MIN_DISTINCT)',
    ['password-few'],
  ),
  line(
    'password-not-common',
    'Not a well-known one, nor two of them',
    'if (isCommon(repeatedUnit(rest)) || isCommon(rest))',
    [
      'password-common',
      'password-common-capitals',
      'password-common-repeated',
      'password-common-joined',
      'password-common-wide',
      'password-change-common',
    ],
  ),
  {
    id: 'password-not-personal',
    title: 'Not made of the address',
    file: POLICY,
    removal: remove(
      POLICY,
      "const rest = withoutContext(plain, [email, account, 'bulwark']);",
      'const rest = plain;',
    ),
    opens: ['password-address', 'password-name'],
  },
  {
    id: 'password-one-form',
    title: 'Judged in the form in which it is compared',
    file: POLICY,
    removal: remove(POLICY, "typed.normalize('NFKC')", 'typed'),
    opens: ['password-common-wide'],
  },
  line(
    'password-maximum',
    '128 characters at the most',
    'if (lengthOf(password) > MAX_LENGTH)',
    [],
  ),
  {
    id: 'password-input-maximum',
    title: '512 code points at the most, before anything looks at them',
    file: 'src/auth/auth.dto.ts',
    removal: remove(
      'src/auth/auth.dto.ts',
      'MAX_PASSWORD_INPUT = 512;',
      'MAX_PASSWORD_INPUT = 1_000_000;',
    ),
    opens: [],
  },
  {
    id: 'password-change-judged',
    title: 'A new password is judged like the first',
    file: 'src/auth/account.service.ts',
    removal: remove(
      'src/auth/account.service.ts',
      "    checkPassword(request.newPassword, owner, '/newPassword');\n",
    ),
    opens: ['password-change-common'],
  },
  {
    id: 'password-not-echoed',
    title: 'A refusal names the rule, not the value',
    file: POLICY,
    removal: remove(POLICY, 'message: reason[1] }', 'message: reason[1], value: password }'),
    opens: ['password-echo'],
  },
  {
    id: 'password-not-breached',
    title: 'Not one that another service lost, where a list is named',
    file: BREACHES,
    removal: remove(BREACHES, ASKS, 'return;'),
    opens: ['password-breached', 'password-change-breached'],
  },
  {
    id: 'password-slow-hash',
    title: 'Argon2id, salted',
    file: HASHER,
    removal: remove(HASHER, IMPORT, sha256("''")),
    opens: ['password-dictionary', 'password-twins'],
  },
  {
    id: 'password-hash-cost',
    title: 'With 19 MiB and two passes a try',
    file: HASHER,
    removal: remove(HASHER, 'memoryCost: 19_456, timeCost: 2', 'memoryCost: 8, timeCost: 1'),
    opens: ['password-dictionary'],
  },
];
