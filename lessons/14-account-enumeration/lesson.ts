import type { Edit, Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const AUTH = 'src/auth/auth.service.ts';
const REQUESTS = 'src/auth/sign-up-requests.service.ts';
const SIGN_UPS = 'src/auth/sign-ups.service.ts';
const HASHER = 'src/auth/password-hasher.ts';

const change = (file: string, find: string, replace: string) => ({
  edits: [{ file, find, replace } satisfies Edit],
});

const REFUSE = "throw new Problem(isPending ? 'address_not_verified' : 'invalid_credentials');";
const PENDING = 'await this.credentials.findPendingHash(email)';
const HASH = 'const passwordHash = await this.hasher.hash(password);';
const TAKEN =
  '(await this.dataSource.sql<unknown[]>`SELECT FROM users WHERE email_index = ${this.addresses.indexOf(email)}`).length > 0';
const STORED = 'const stored = passwordHash ?? (await this.decoy);';
const ADMIT = `await this.throttle.admit(attempt);
    const known = await this.credentials.find({ email });`;

export const lesson: Lesson = {
  folder: '14-account-enumeration',
  title: 'Account enumeration',
  claim: 'Neither an answer nor its time tells a stranger whether an address has an account.',
  asvs: ['6.3.8', '6.3.1'],
  api: ['API2:2023', 'API3:2023'],
  use: async (target) => {
    const { email, password } = await target.person('ada');
    const client = target.stranger('ada');
    // Signing up twice is not an error, and does not change the password.
    await client.post('/v1/auth/register', { email, password: `${password} again` });
    const { status } = await client.post('/v1/auth/login', { email, password });
    if (status !== 200) throw new Error('a second sign-up has changed the account');
  },
  attacks,
  controls: [
    {
      id: 'enumerate-login-answer',
      title: 'One answer for a wrong password and for an unknown address',
      file: AUTH,
      removal: change(
        AUTH,
        REFUSE,
        REFUSE.replace("'invalid_credentials'", "known ? 'wrong_password' : 'not_found'"),
      ),
      opens: ['enumerate-login'],
    },
    {
      id: 'enumerate-login-work',
      title: 'A decoy hash for unknown addresses',
      file: HASHER,
      removal: change(
        HASHER,
        STORED,
        'if (passwordHash === undefined) return false;\n    const stored = passwordHash;',
      ),
      opens: ['enumerate-login-time'],
    },
    {
      id: 'enumerate-register-answer',
      title: 'One answer for a new address and for a taken one: only the mail differs',
      file: REQUESTS,
      removal: {
        edits: [
          {
            file: REQUESTS,
            find: 'import type { RegisterRequest }',
            replace:
              "import { Problem } from '../http/problem.js';\nimport type { RegisterRequest }",
          },
          {
            file: REQUESTS,
            find: HASH,
            replace: `${HASH}\n    if (${TAKEN}) throw new Problem('forbidden');`,
          },
        ],
      },
      opens: ['enumerate-register', 'enumerate-sign-up-and-in'],
    },
    {
      id: 'enumerate-register-work',
      title: 'The sign-up does not look: a worker does, after the answer',
      file: REQUESTS,
      removal: change(REQUESTS, HASH, `if (${TAKEN}) return;\n    ${HASH}`),
      opens: ['enumerate-register-time', 'enumerate-sign-up-and-in'],
    },
    {
      id: 'enumerate-pending',
      title: 'A sign-up that waits is there for taken addresses, too',
      file: AUTH,
      removal: change(AUTH, PENDING, `known ? undefined : ${PENDING}`),
      opens: ['enumerate-sign-up-and-in', 'enumerate-confirmation'],
    },
    {
      id: 'enumerate-sign-ups-stay',
      title: 'It stays to its end, whoever gets the address meanwhile',
      file: SIGN_UPS,
      removal: change(
        SIGN_UPS,
        'UPDATE sign_ups SET token_hash = NULL, email = NULL, display_name = NULL\n        WHERE id IN (SELECT id FROM live)',
        'DELETE FROM sign_ups\n        WHERE id IN (SELECT id FROM live)',
      ),
      opens: ['enumerate-confirmation'],
    },
    {
      id: 'enumerate-budgets',
      title: 'Unknown addresses have budgets, too',
      file: AUTH,
      removal: change(
        AUTH,
        ADMIT,
        `const known = await this.credentials.find({ email });
    if (known) await this.throttle.admit(attempt);`,
      ),
      opens: ['enumerate-block'],
    },
  ],
  wrongFixes: [
    {
      id: 'enumerate-remaining',
      title: 'The same words for both, and a wait for accounts that exist',
      why: 'The words are the same; a header is not.',
      change: change(
        AUTH,
        REFUSE,
        "throw new Problem('invalid_credentials', known ? { retryAfterSeconds: 1 } : {});",
      ),
      opens: ['enumerate-login'],
    },
    {
      id: 'enumerate-cheap-decoy',
      title: 'A decoy hash that is cheaper than the real ones',
      why: 'Work hides only behind equal work.',
      change: change(
        HASHER,
        'hash(crypto.randomUUID(), PARAMETERS)',
        'hash(crypto.randomUUID(), { ...PARAMETERS, memoryCost: 1_024, timeCost: 1 })',
      ),
      opens: ['enumerate-login-time'],
    },
    {
      id: 'enumerate-pause',
      title: 'A random pause for unknown addresses',
      why: 'Noise only adds: the fastest of a few tries is without it.',
      change: change(
        HASHER,
        STORED,
        `if (passwordHash === undefined) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return false;
    }
    const stored = passwordHash;`,
      ),
      opens: ['enumerate-login-time'],
    },
  ],
};
