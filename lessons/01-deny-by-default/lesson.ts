import { behindRowSecurity, withNothingBehind } from '../26-row-level-security/controls.js';
import type { Control, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const MODULE = 'src/app.module.ts';
const SETUP = 'src/app.setup.ts';
const PROOF = 'src/http/route-proof.ts';
const INPUTS = 'src/http/route-inputs.ts';
const INPUT_GUARD = 'src/http/declared-input.guard.ts';
const JWT_GUARD = 'src/auth/jwt-auth.guard.ts';
const ROLES_GUARD = 'src/access/roles.guard.ts';

const JWT_LINE =
  'if (this.reflector.get<true | undefined>(PUBLIC, context.getHandler())) return true;';
const jwtGuardUnless = (condition: string) => ({
  file: JWT_GUARD,
  find: JWT_LINE,
  replace: `${JWT_LINE}
    const { url, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (${condition}) return true;`,
});

const one = (file: string, find: string, replace: string) => ({
  edits: [{ file, find, replace }],
});

const controls: Control[] = [
  {
    id: 'deny-no-token',
    title: 'Without a token, JwtAuthGuard lets nobody past, wherever it is not told to',
    file: JWT_GUARD,
    removal: { edits: [jwtGuardUnless('url && !headers.authorization')] },
    opens: [],
  },
  {
    id: 'deny-roles-guard',
    title: 'RolesGuard is registered once, for every route',
    file: MODULE,
    removal: one(MODULE, '        { provide: APP_GUARD, useClass: RolesGuard },\n', ''),
    opens: ['bfla-list-users', 'bfla-read-user'],
  },
  {
    id: 'deny-access-proof',
    title: 'A route that does not say who may call it does not boot',
    file: SETUP,
    removal: one(SETUP, 'proveRoutes(app, [declaresAccess]);', 'proveRoutes(app, []);'),
    opens: [],
  },
  {
    id: 'deny-by-default',
    title: 'A route that names no role is open to nobody',
    file: ROLES_GUARD,
    removal: one(
      ROLES_GUARD,
      'ROLES_ALLOWED, handler) ?? [];',
      "ROLES_ALLOWED, handler) ?? ['user', 'admin'];",
    ),
    opens: [],
  },
  {
    id: 'deny-routes-outside',
    title: 'A route outside of every controller does not boot',
    file: PROOF,
    removal: one(PROOF, '  faults.push(...undeclared(fastify, routes));\n', ''),
    opens: ['deny-raw-route'],
  },
  {
    id: 'deny-raw-input',
    title: 'A route that takes the raw request or its headers does not boot',
    file: PROOF,
    removal: one(PROOF, 'if (inputs.unchecked)', 'if (!inputs)'),
    opens: [],
  },
  {
    id: 'deny-undeclared-input',
    title: 'A route that declares no query or no body gets none',
    file: MODULE,
    removal: one(MODULE, '        { provide: APP_GUARD, useClass: DeclaredInputGuard },\n', ''),
    opens: [],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'deny-list-of-protected-paths',
    title: 'List the paths that need a token',
    why: 'A list of what is closed forgets; a list of what is open cannot: /v1/users is missing.',
    change: {
      edits: [
        jwtGuardUnless(
          '!/^\\/v1\\/(resources|users\\/me|auth)/.test(url) && !headers.authorization',
        ),
        {
          file: ROLES_GUARD,
          find: 'if (!actor || !allowed.includes(actor.role))',
          replace: 'if (actor && !allowed.includes(actor.role))',
        },
      ],
    },
    opens: ['deny-stranger'],
  },
  {
    id: 'deny-prove-v1-only',
    title: 'Prove the routes under /v1',
    why: 'Fastify serves every path that somebody gives to it, and nobody careless uses /v1.',
    change: one(
      PROOF,
      "route !== 'OPTIONS *')",
      "route !== 'OPTIONS *' && route.includes(' /v1/'))",
    ),
    opens: ['deny-raw-route'],
  },
  {
    id: 'deny-raw-list-from-memory',
    title: 'Forbid the raw request and reply only',
    why: 'Nest hands out headers by a decorator of their own, with no pipe in between either.',
    change: withNothingBehind(one(INPUTS, '  RouteParamtypes.HEADERS,\n', '')),
    opens: ['deny-raw-header'],
  },
  {
    id: 'deny-undeclared-query-only',
    title: 'Refuse undeclared queries, since GET has no body',
    why: 'Other methods have one, and a route that does not expect it does not look into it.',
    change: one(
      INPUT_GUARD,
      'if (!declared.body && body !== undefined',
      'if (!declared.body && body === undefined',
    ),
    opens: ['deny-acting-for'],
  },
];

export const lesson: Lesson = {
  folder: '01-deny-by-default',
  title: 'Deny by default',
  claim:
    'What nobody thought about is closed: a route without a declaration does not even boot, and an input without one does not arrive.',
  asvs: ['8.2.1', '8.1.1', '8.3.1', '15.3.5'],
  api: ['API5:2023', 'API2:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const { body } = await ada.client.get<{ email?: string }>('/v1/users/me');
    if (body.email !== ada.email) throw new Error('a token does not open what it should');
  },
  attacks,
  controls,
  stacks: [
    {
      controls: ['deny-no-token', 'deny-roles-guard'],
      opens: ['deny-stranger', 'bfla-list-users', 'bfla-read-user'],
    },
    {
      controls: ['deny-access-proof', 'deny-by-default', 'rls-actor'],
      opens: ['deny-undeclared-route'],
    },
    behindRowSecurity('deny-undeclared-input', ['deny-acting-for']),
    behindRowSecurity('deny-raw-input', ['deny-raw-header']),
  ],
  wrongFixes,
};
