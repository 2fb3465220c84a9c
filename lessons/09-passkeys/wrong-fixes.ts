import type { Change, WrongFix } from '../engine/lesson.js';
import { CHALLENGES, GROWS, originIf, PARTY, PASSKEYS, RULES, SPENT } from './parts.js';

const change = (file: string, find: string, replace: string): Change => ({
  edits: [{ file, find, replace }],
});

export const wrongFixes: WrongFix[] = [
  {
    id: 'passkey-origin-ends',
    title: 'Take every origin that ends with our host',
    why: 'A page of any host of the site ends so, the forgotten blog too.',
    change: change(PARTY, RULES, originIf("origin.endsWith('localhost:3000')")),
    opens: ['passkey-neighbour-page'],
  },
  {
    id: 'passkey-origin-host',
    title: 'Compare the host and leave the port out',
    why: 'Behind another port stands another service, with faults of its own.',
    change: change(PARTY, RULES, originIf('URL.parse(origin)?.hostname === this.id')),
    opens: ['passkey-other-port'],
  },
  {
    id: 'passkey-look-then-spend',
    title: 'Look for the challenge, then delete it',
    why: 'In between, others look, too.',
    change: {
      edits: [
        {
          file: CHALLENGES,
          find: SPENT,
          replace: `const there = await this.dataSource.sql<unknown[]>\`
      SELECT FROM passkey_challenges WHERE challenge_hash = \${hashToken(challenge)}\`;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const [, ] = await this.dataSource.sql<[unknown[], number]>\`
      DELETE FROM passkey_challenges`,
        },
        {
          file: CHALLENGES,
          find: 'if (spent.length === 0)',
          replace: 'if (there.length === 0)',
        },
      ],
    },
    opens: ['passkey-at-once'],
  },
  {
    id: 'passkey-count-not-less',
    title: 'Refuse a count that is less than the last one',
    why: 'A copy that was made after the last use has the same.',
    change: change(PASSKEYS, GROWS, 'AND sign_count <= ${signCount}'),
    opens: ['passkey-copy-same'],
  },
  {
    id: 'passkey-count-zero',
    title: 'Let whatever says zero pass: it does not count',
    why: 'A device that has counted before does count; its copy says what it likes.',
    change: change(PASSKEYS, GROWS, 'AND (sign_count < ${signCount} OR ${signCount} = 0)'),
    opens: ['passkey-copy-zero'],
  },
];
