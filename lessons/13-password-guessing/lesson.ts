import type { Edit, Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { patience } from './patience.js';
import { wrongFixes } from './wrong-fixes.js';

const THROTTLE = 'src/auth/login-throttle.ts';
const FAILURES = 'src/auth/login-failures.service.ts';
const ACCOUNT = 'src/auth/account.service.ts';
const RATES = 'src/http/rate-limit.ts';

const removal = (file: string, find: string, replace = '') => ({
  edits: [{ file, find, replace } satisfies Edit],
});

const COUNT_PAIR = "    await this.count('pair', attempt, PAIR);\n";
const UNLESS_KNOWN = 'if (!(await this.isKnown(attempt))) await this.count';

/** The attacks of lesson 07 that the same budget stops. */
const FLOODS = ['flood-one-address', 'flood-forged-address', 'flood-other-headers', 'flood-ipv6'];

export const lesson: Lesson = {
  folder: '13-password-guessing',
  title: 'Password guessing',
  claim:
    'Nobody tries more than a few passwords on an account, from wherever, and nobody locks its owner out.',
  asvs: ['2.4.1', '4.1.3', '6.1.1', '6.3.1', '16.3.3'],
  api: ['API2:2023', 'API4:2023'],
  use: async (target) => {
    const { email, password, client } = await target.person('ada');
    const typo = { email, password: `${password}!` };
    for (let round = 0; round < 3; round += 1) await client.post('/v1/auth/login', typo);
    const { status } = await client.post('/v1/auth/login', { email, password });
    if (status !== 200) throw new Error('three typing errors lock the owner out');
  },
  attacks: [...attacks, ...patience],
  controls: [
    {
      id: 'guess-pair-budget',
      title: 'Ten tries from one source on one account',
      file: THROTTLE,
      removal: removal(THROTTLE, COUNT_PAIR),
      opens: [
        'guess-one-source',
        'guess-forged-source',
        'guess-at-once',
        'guess-hour-one-source',
        'guess-weeks-one-source',
        'guess-password-change',
        'guess-account-deletion',
      ],
    },
    {
      id: 'guess-account-budget',
      title: 'Twenty tries from all unknown sources together',
      file: THROTTLE,
      removal: removal(THROTTLE, UNLESS_KNOWN, 'if (false) await this.count'),
      opens: [
        'guess-many-sources',
        'guess-hour-many-sources',
        'guess-weeks-many-sources',
        'guess-together',
      ],
    },
    {
      id: 'guess-known-source',
      title: 'The owner’s own network has a budget of its own',
      file: THROTTLE,
      removal: removal(THROTTLE, UNLESS_KNOWN, 'await this.count'),
      opens: ['guess-lock-out'],
    },
    {
      id: 'guess-growing-wait',
      title: 'Each further failure makes the wait longer',
      file: FAILURES,
      removal: removal(FAILURES, '2.0 ^ (f.failures + 1 - ${free})', '1.0'),
      opens: ['guess-hour-one-source', 'guess-hour-many-sources'],
    },
    {
      id: 'guess-most-failures',
      title: 'After a hundred failures in a row, waiting helps no more',
      file: FAILURES,
      removal: removal(FAILURES, ' AND f.failures < ${MOST_FAILURES}'),
      opens: ['guess-weeks-one-source', 'guess-weeks-many-sources'],
    },
    {
      id: 'guess-overall',
      title: 'While all accounts are attacked, each grants strangers three tries',
      file: THROTTLE,
      removal: removal(THROTTLE, 'attempt, await this.pace()', 'attempt, STRANGERS'),
      opens: ['guess-together'],
    },
    {
      id: 'guess-reauthentication',
      title: 'Wherever a password is asked for, it counts',
      file: ACCOUNT,
      removal: removal(ACCOUNT, '    await this.throttle.admit(attempt);\n'),
      opens: ['guess-password-change', 'guess-account-deletion'],
    },
    {
      id: 'guess-proxy-hops',
      title: 'The address is the one that our own proxy saw',
      file: 'src/app.setup.ts',
      removal: removal(
        'src/app.setup.ts',
        '(_address, hop) => hop < config.trustedProxyHops',
        'true',
      ),
      opens: ['guess-forged-source', 'flood-forged-address'],
    },
    {
      id: 'guess-source-budget',
      title: 'Thirty tries a minute from one source, whatever the account',
      file: RATES,
      removal: removal(RATES, 'credentials: { perIp: 30 }', 'credentials: { perIp: 30_000 }'),
      opens: ['guess-many-accounts', 'guess-many-ipv6', ...FLOODS],
    },
    {
      id: 'guess-ipv6-network',
      title: 'An IPv6 subscriber is one source',
      file: RATES,
      removal: removal(RATES, '? address : networkOf(address)', '? address : address'),
      opens: ['guess-many-ipv6', 'flood-ipv6'],
    },
  ],
  wrongFixes,
};
