import type { WrongFix } from '../engine/lesson.js';

const THROTTLE = 'src/auth/login-throttle.ts';
const AUTH = 'src/auth/auth.service.ts';
const ACCOUNT = 'src/auth/account.service.ts';

const ADMIT = `await this.count('pair', attempt, PAIR);
    if (!(await this.isKnown(attempt))) await this.count('strangers', attempt, await this.pace());`;
const BEFORE_ADMIT =
  '/** Counts before the password is looked at. Throws `rate_limited`, `too_many_failures`. */';

export const wrongFixes: WrongFix[] = [
  {
    id: 'guess-advice',
    title: 'The usual advice: a hundred in a quarter of an hour for one address, in memory',
    why: 'The account is not counted at all: a list of passwords fits into one budget, and every address has one.',
    change: {
      edits: [
        {
          file: THROTTLE,
          find: '/** How long a source counts',
          replace: 'const counts = new Map<string, number>();\n/** How long a source counts',
        },
        {
          file: THROTTLE,
          find: ADMIT,
          replace: `const count = (counts.get(attempt.ip) ?? 0) + 1;
    counts.set(attempt.ip, count);
    if (count > 100) throw new Problem('rate_limited', { retryAfterSeconds: 900 });`,
        },
      ],
    },
    opens: [
      'guess-one-source',
      'guess-many-sources',
      'guess-forged-source',
      'guess-at-once',
      'guess-hour-one-source',
      'guess-hour-many-sources',
      'guess-weeks-one-source',
      'guess-weeks-many-sources',
      'guess-together',
      'guess-password-change',
      'guess-account-deletion',
    ],
  },
  {
    id: 'guess-count-failures',
    title: 'Look at the counter first, count the failure afterwards',
    why: 'Sixteen tries that arrive together all look before the first one is counted.',
    change: {
      edits: [
        {
          file: THROTTLE,
          find: BEFORE_ADMIT,
          replace: `async check(attempt: Attempt): Promise<void> {
    for (const kind of ['pair', 'strangers'] as const) {
      const waiting = await this.dataSource.sql<unknown[]>\`
        SELECT FROM login_failures WHERE key = \${this.key(kind, attempt)}
          AND (next_at > now() OR failures >= 100)\`;
      const counts = kind === 'pair' || !(await this.isKnown(attempt));
      if (waiting.length > 0 && counts) throw new Problem('rate_limited', { retryAfterSeconds: 3_600 });
    }
  }

  ${BEFORE_ADMIT}`,
        },
        {
          file: AUTH,
          find: 'await this.throttle.admit(attempt);',
          replace: 'await this.throttle.check(attempt);',
        },
        {
          file: AUTH,
          find: '    const proven = known && matches',
          replace: `    if (!matches) await this.throttle.admit(attempt).catch(() => {});
    const proven = known && matches`,
        },
      ],
    },
    opens: ['guess-at-once'],
  },
  {
    id: 'guess-wait-of-one-source',
    title: 'Make the wait of a source longer, and let strangers together keep an even pace',
    why: 'Eve takes a new address for each guess: her own wait never begins.',
    change: {
      edits: [
        {
          file: THROTTLE,
          find: 'free: 20, firstWait: 30, longestWait: 3_600',
          replace: 'free: 20, firstWait: 30, longestWait: 30',
        },
      ],
    },
    opens: ['guess-hour-many-sources'],
  },
  {
    id: 'guess-hundred-of-one-source',
    title: 'Count the hundred for each source',
    why: 'A thousand addresses have a hundred tries each: what must be counted is the account.',
    change: {
      edits: [
        {
          file: THROTTLE,
          find: "if (verdict === 'no more') throw",
          replace:
            "if (verdict === 'no more' && kind === 'strangers') return;\n    if (verdict === 'no more') throw",
        },
      ],
    },
    opens: ['guess-weeks-many-sources'],
  },
  {
    id: 'guess-one-route',
    title: 'Count at the route that changes the password',
    why: 'The route that deletes the account asks for the same password.',
    change: {
      edits: [
        { file: ACCOUNT, find: '    await this.throttle.admit(attempt);\n', replace: '' },
        {
          file: ACCOUNT,
          find: '    const { passwordHash } = await this.reauthenticate(',
          replace: `    await this.throttle.admit({ account: actor.userId, ip });
    const { passwordHash } = await this.reauthenticate(`,
        },
      ],
    },
    opens: ['guess-account-deletion'],
  },
];
