import type { Control, Lesson, WrongFix } from '../engine/lesson.js';
import { administrator } from './administrators.js';
import { attacks } from './attacks.js';
import { lastAttacks } from './last-attacks.js';

const ROLES_GUARD = 'src/access/roles.guard.ts';
const JWT_GUARD = 'src/auth/jwt-auth.guard.ts';
const USERS = 'src/users/users.service.ts';

/** The places in the source that removals and wrong fixes change. */
const ROLE_CHECK = 'if (!actor || !allowed.includes(actor.role))';
const ACTOR = 'request.actor = actor;';
const HEADER_ROLE = "request.headers['x-role'] as typeof actor.role";

const one = (file: string, find: string, replace: string) => ({
  edits: [{ file, find, replace }],
});

const controls: Control[] = [
  {
    id: 'bfla-roles',
    title: 'The route’s roles are compared with the caller’s',
    file: ROLES_GUARD,
    removal: one(ROLES_GUARD, ROLE_CHECK, 'if (!actor)'),
    opens: ['bfla-list-users', 'bfla-read-user'],
  },
  {
    id: 'bfla-role-source',
    title: 'The role comes from the verified token and from nowhere else',
    file: JWT_GUARD,
    removal: one(
      JWT_GUARD,
      ACTOR,
      `request.actor = { ...actor, role: (${HEADER_ROLE}) ?? actor.role };`,
    ),
    opens: ['bfla-role-header', 'bfla-gateway-header'],
  },
  {
    id: 'bfla-recheck',
    title: 'Who administers is asked again under the lock',
    file: USERS,
    removal: one(
      USERS,
      "if (!administrators.includes(actor.userId)) throw new Problem('forbidden');",
      '',
    ),
    opens: ['bfla-demoted-in-flight'],
  },
  {
    id: 'bfla-last-administrator',
    title: 'The last administrator stays one',
    file: USERS,
    removal: one(
      USERS,
      'if (administrators.length === 1 && administrators[0] === userId)',
      'if (administrators.length === 0)',
    ),
    opens: ['bfla-last-demoted', 'bfla-last-disabled', 'bfla-last-deleted'],
  },
  {
    id: 'bfla-one-at-a-time',
    title: 'Changes of who administers wait for each other',
    file: USERS,
    removal: one(USERS, '\n        ORDER BY id FOR NO KEY UPDATE', ''),
    opens: ['bfla-last-race', 'bfla-demoted-in-flight'],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'bfla-writes-only',
    title: 'Ask for the role where something is changed',
    why: 'Reading everybody’s address is an administrator’s right too.',
    change: one(
      ROLES_GUARD,
      ROLE_CHECK,
      "if (!actor || (context.switchToHttp().getRequest<FastifyRequest>().method !== 'GET' && !allowed.includes(actor.role)))",
    ),
    opens: ['bfla-list-users', 'bfla-read-user'],
  },
  {
    id: 'bfla-by-path',
    title: 'Ask for the role under the path /v1/users/',
    why: 'A path is a spelling: the list of users is at /v1/users, without a slash.',
    change: one(
      ROLES_GUARD,
      ROLE_CHECK,
      "if (!actor || (/^\\/v1\\/users\\/(?!me)/.test(context.switchToHttp().getRequest<FastifyRequest>().url) && actor.role !== 'admin'))",
    ),
    opens: ['bfla-list-users'],
  },
  {
    id: 'bfla-believe-the-gateway',
    title: 'Believe the header only if the gateway’s mark is beside it',
    why: 'Whoever can send one header can send two: a mark that is no secret proves no sender.',
    change: one(
      JWT_GUARD,
      ACTOR,
      `request.actor = request.headers['x-gateway'] ? { ...actor, role: ${HEADER_ROLE} } : actor;`,
    ),
    opens: ['bfla-gateway-header'],
  },
  {
    id: 'bfla-last-forgotten-door',
    title: 'Keep the last administrator where administrators are changed',
    why: 'He can also leave by deleting his own account, which is another route.',
    change: one(USERS, '      await this.keepAnAdministrator(tx, actor.userId);\n', ''),
    opens: ['bfla-last-deleted'],
  },
];

export const lesson: Lesson = {
  folder: '02-broken-function-level-authorization',
  title: 'Broken function level authorization',
  claim:
    'What administrators may do, only administrators can do: by a role that the caller cannot state, at the moment in which it is done.',
  asvs: ['8.2.1', '8.3.1', '8.3.2', '4.1.3'],
  api: ['API5:2023'],
  use: async (target) => {
    const [admin, ada] = [await administrator(target, 'root'), await target.person('ada')];
    const promoted = await admin.client.put<{ role: string }>(`/v1/users/${ada.id}/role`, {
      role: 'admin',
    });
    if (promoted.body.role !== 'admin') throw new Error('an administrator cannot promote');
    const { body } = await admin.client.get<{ items?: unknown[] }>('/v1/users');
    if (!body.items?.length) throw new Error('an administrator cannot list users');
  },
  attacks: [...attacks, ...lastAttacks],
  controls,
  stacks: [
    {
      controls: ['bfla-roles', 'bfla-recheck'],
      opens: [
        'bfla-list-users',
        'bfla-read-user',
        'bfla-promote',
        'bfla-disable',
        'bfla-demoted-in-flight',
      ],
    },
  ],
  wrongFixes,
};
