import type { Control, Edit, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const PIPE = 'src/http/validation.pipe.ts';
const PROOF = 'src/http/route-proof.ts';
const USERS = 'src/users/users.service.ts';
const USERS_DTO = 'src/users/users.dto.ts';
const REQUESTS = 'src/auth/sign-up-requests.service.ts';
const SIGN_UPS = 'src/auth/sign-ups.service.ts';
const SIGN_UP = 'src/auth/sign-up.entity.ts';
const RESOURCES = 'src/resources/resources.service.ts';

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

/** The pipe lets through what the DTO does not declare. */
const openPipe = edit(
  PIPE,
  '  whitelist: true,\n  forbidNonWhitelisted: true,\n  forbidUnknownValues: true,\n',
  '  forbidUnknownValues: false,\n',
);

/** The handlers hand on what they were given instead of what they know. */
const wholeProfile = [
  edit(USERS, '{ displayName }: ChangeProfileRequest)', 'request: ChangeProfileRequest)'),
  edit(USERS, '{ displayName, id: actor.userId }', '{ ...request, id: actor.userId }'),
];
/** Also the role is kept with a sign-up, and goes with it into the account. */
const roleColumn = "ALTER TABLE sign_ups ADD COLUMN role text NOT NULL DEFAULT 'user'";
const wholeRegistration = [
  edit(
    REQUESTS,
    "displayName = '' }: RegisterRequest",
    "displayName = '', ...rest }: RegisterRequest",
  ),
  edit(REQUESTS, 'password_hash, expires_at)', 'password_hash, role, expires_at)'),
  edit(
    REQUESTS,
    '${passwordHash},',
    "${passwordHash}, ${(rest as { role?: string }).role ?? 'user'},",
  ),
  edit(SIGN_UPS, 'display_name, password_hash FROM', 'display_name, password_hash, role FROM'),
  edit(SIGN_UPS, '"passwordHash" FROM chosen', '"passwordHash", role FROM chosen'),
  edit(SIGN_UPS, "{ ...signUp, role: 'user' }", "{ role: 'user', ...signUp }"),
  edit(
    SIGN_UP,
    'export class SignUp {\n',
    "export class SignUp {\n  @Column('text')\n  @Plain('a role')\n  role!: string;\n\n",
  ),
  edit(SIGN_UP, '  Hashed,\n', '  Hashed,\n  Plain,\n'),
];
const wholeChange = [
  edit(RESOURCES, '.set({ title, content, labels,', '.set({ ...changes, content, labels,'),
];
const wholeResource = [
  edit(
    RESOURCES,
    '{ title, content, labels = [] }: CreateResourceRequest',
    '{ labels = [], ...rest }: CreateResourceRequest',
  ),
  edit(
    RESOURCES,
    'ownerId: actor.userId, title, content, labels }',
    'ownerId: actor.userId, labels, ...rest }',
  ),
];

const controls: Control[] = [
  {
    id: 'mass-declared-only',
    title: 'The pipe refuses every property that the DTO does not declare',
    file: PIPE,
    removal: { edits: [openPipe] },
    opens: [],
  },
  {
    id: 'mass-profile-fields',
    title: 'The profile is changed field by field',
    file: USERS,
    removal: { edits: wholeProfile },
    opens: [],
  },
  {
    id: 'mass-register-fields',
    title: 'Signing up takes three fields; the role is a constant',
    file: SIGN_UPS,
    removal: { edits: wholeRegistration, sql: roleColumn },
    opens: [],
  },
  {
    id: 'mass-change-fields',
    title: 'A resource is changed field by field',
    file: RESOURCES,
    removal: { edits: wholeChange },
    opens: [],
  },
  {
    id: 'mass-create-fields',
    title: 'A resource is created field by field; the owner is the caller',
    file: RESOURCES,
    removal: { edits: wholeResource },
    opens: [],
  },
  {
    id: 'mass-body-proof',
    title: 'A body without a class that validates does not boot',
    file: PROOF,
    removal: {
      edits: [edit(PROOF, 'faultsOf(place, inputs[place]),', 'inputs[place] ? [] : [],')],
    },
    opens: [],
  },
  {
    id: 'mass-body-class',
    title: 'The pipe refuses to work without a class',
    file: PIPE,
    removal: {
      edits: [
        edit(
          PIPE,
          "if (!metatype || metatype === Object) throw new TypeError('A route parameter has no DTO');",
          'if (!metatype || metatype === Object) return value;',
        ),
      ],
    },
    opens: [],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'mass-delete-role',
    title: 'Take the role out of the body before it is assigned',
    why: 'A list of what is dangerous ends where its author’s memory did: the address and the owner are not on it.',
    change: {
      sql: `${roleColumn}; GRANT UPDATE (owner_id) ON resources TO bulwark_app`,
      edits: [
        openPipe,
        ...wholeProfile,
        ...wholeRegistration,
        ...wholeChange,
        edit('src/crypto/sealed-fields.ts', 'if (!key || key.owner !== owner)', 'if (!key)'),
        edit(
          PIPE,
          '    const dto = plainToInstance(',
          '    delete (plain as { role?: unknown }).role;\n    const dto = plainToInstance(',
        ),
      ],
    },
    opens: ['mass-profile-email', 'mass-take-ownership'],
  },
  {
    id: 'mass-one-dto-for-all',
    title: 'Let the profile and its administration share a DTO',
    why: 'For the administrator’s form the role is declared, so for everybody it is allowed.',
    change: {
      edits: [
        ...wholeProfile,
        edit(
          USERS_DTO,
          'export class ChangeProfileRequest {\n',
          "export class ChangeProfileRequest {\n  @Choice({ of: ROLES, example: 'user', optional: true })\n  role?: Role;\n\n",
        ),
      ],
    },
    opens: ['mass-profile-role'],
  },
];

const profile = ['mass-profile-role', 'mass-profile-email'];
const behindThePipe = (control: string, opens: string[], ...behindIt: string[]) => ({
  controls: ['mass-declared-only', control, ...behindIt],
  opens,
});

export const lesson: Lesson = {
  folder: '04-mass-assignment',
  title: 'Mass assignment',
  claim:
    'A body changes the fields that its route names. Any other property is refused, and would be ignored.',
  asvs: ['15.3.3', '8.2.3', '2.2.1'],
  api: ['API3:2023'],
  use: async (target) => {
    const { client } = await target.person('ada');
    const { body } = await client.patch<{ displayName?: string }>('/v1/users/me', {
      displayName: 'Ada',
    });
    if (body.displayName !== 'Ada') throw new Error('the own name cannot be changed');
  },
  attacks,
  controls,
  stacks: [
    behindThePipe('mass-profile-fields', profile),
    behindThePipe('mass-register-fields', ['mass-register-role']),
    behindThePipe(
      'mass-change-fields',
      ['mass-take-ownership'],
      'rls-owner-stays',
      // What another wrote does not open for the new owner.
      'crypt-owner',
    ),
    behindThePipe('mass-create-fields', ['mass-plant'], 'rls-actor'),
    behindThePipe('mass-body-proof', ['mass-careless-body']),
    { controls: ['mass-body-proof', 'mass-body-class'], opens: ['mass-careless-body'] },
  ],
  wrongFixes,
};
