import { totpCode } from '../../test/support/second-factors.js';
import { withTotp } from '../18-second-factors/people.js';
import type { Change, Control, Edit, Lesson } from '../engine/lesson.js';
import { attacks } from './attacks.js';
import { passwordAttacks } from './password-attacks.js';

const GUARD = 'src/access/fresh-auth.guard.ts';
const SESSIONS = 'src/auth/sessions.service.ts';
const STEP_UP = 'src/auth/step-up.service.ts';
const FACTORS = 'src/auth/factors.controller.ts';
const USERS = 'src/users/users.controller.ts';
const THROTTLE = 'src/auth/login-throttle.ts';

const edit = (file: string, find: string, replace = ''): Edit => ({ file, find, replace });
const change = (...edits: Edit[]): Change => ({ edits });
/** The decorator of one route, told apart by what stands after it. */
const undeclared = (file: string, rest: string): Edit =>
  edit(file, `  @FreshAuth(FRESH)\n${rest}`, rest);

const control = (id: string, title: string, removal: Edit[], opens: string[]): Control => ({
  id,
  title,
  file: removal[0]?.file ?? '',
  removal: change(...removal),
  opens,
});

const COUNTED = "  @RateLimit('credentials')";
const ADDING = ['stepup-add-factor', 'stepup-refresh-first'];
const REMOVE = 'stepup-remove-factor';
const RECOVERY = 'stepup-recovery-codes';
const PROMOTE = 'stepup-promote';
/** What the password alone does not do where there is a second factor. */
const OWNERS = ['stepup-set-password', 'stepup-move', 'stepup-leave', 'stepup-export'];
const PROVE = 'if (known.hasSecondFactor) await';

export const lesson: Lesson = {
  folder: '17-step-up',
  title: 'Step-up',
  claim:
    'A stolen token of an old session changes no factor, password, address or role, takes nothing along and ends nothing: for that, its owner has to be there.',
  asvs: ['6.8.4', '7.5.1', '7.5.3'],
  api: ['API2:2023'],
  use: async (target) => {
    const ada = await withTotp(target, 'ada');
    const { status } = await ada.client.post('/v1/auth/reauthenticate', {
      password: ada.password,
      code: totpCode(ada.secret),
    });
    if (status !== 200) throw new Error('Ada cannot prove that she is there');
    const removed = await ada.client.delete(`/v1/users/me/factors/${ada.factorId}`);
    if (removed.status !== 204) throw new Error('Ada cannot remove her own factor');
  },
  attacks: [...attacks, ...passwordAttacks],
  controls: [
    control(
      'stepup-guard',
      'What is dangerous asks how long ago the session proved who it is',
      [edit(GUARD, 'if (Date.now() / 1_000 - provenAt > within) throw staleProblem(within);')],
      [...ADDING, REMOVE, RECOVERY, PROMOTE, ...OWNERS],
    ),
    control(
      'stepup-not-by-refresh',
      'A refresh does not freshen',
      [
        edit(
          SESSIONS,
          's.expires_at, s.authenticated_at',
          's.expires_at, now() AS authenticated_at',
        ),
      ],
      [...ADDING, REMOVE, RECOVERY, PROMOTE, ...OWNERS],
    ),
    control(
      'stepup-on-adding',
      'Adding a factor is dangerous',
      [undeclared(FACTORS, "  @RateLimit('write')\n  @Returns(201,"), undeclared(FACTORS, COUNTED)],
      ADDING,
    ),
    control(
      'stepup-on-removing',
      'So is removing one',
      [undeclared(FACTORS, "  @RateLimit('write')\n  @ReturnsNothing(204,")],
      [REMOVE],
    ),
    control(
      'stepup-on-recovery',
      'So are new recovery codes',
      [undeclared(FACTORS, "  @RateLimit('write')\n  @Returns(200, RecoveryCodesResponse,")],
      [RECOVERY],
    ),
    control(
      'stepup-on-roles',
      'So is a role',
      [
        undeclared(
          USERS,
          "  @RateLimit('write')\n  @Returns(200, UserResponse, { problems: ['not_found', 'last_administrator'] })\n  changeRole(",
        ),
      ],
      [PROMOTE],
    ),
    control(
      'stepup-on-password',
      'So is a new password',
      [undeclared('src/auth/account.controller.ts', COUNTED)],
      ['stepup-set-password'],
    ),
    control(
      'stepup-on-moving',
      'So is another address',
      [undeclared('src/auth/email-changes.controller.ts', COUNTED)],
      ['stepup-move'],
    ),
    control(
      'stepup-on-leaving',
      'So is the end of the account',
      [undeclared('src/auth/departures.controller.ts', COUNTED)],
      ['stepup-leave'],
    ),
    control(
      'stepup-on-export',
      'So is a copy of all there is',
      [undeclared('src/exports/exports.controller.ts', COUNTED)],
      ['stepup-export'],
    ),
    control(
      'stepup-both-factors',
      'Where there is a second factor, being there takes both',
      [edit(STEP_UP, PROVE, 'if (false) await')],
      ['stepup-password-only'],
    ),
    control(
      'stepup-codes-counted',
      'The codes count, wherever they are asked for',
      [edit(STEP_UP, '    if (code !== undefined) await this.codes.admit(attempt, code);\n')],
      ['stepup-guess-codes'],
    ),
  ],
  wrongFixes: [
    {
      id: 'stepup-age-of-token',
      title: 'Ask how old the access token is',
      why: 'Whoever has the refresh token makes a new one at will.',
      change: change(
        edit(
          'src/auth/access-tokens.ts',
          'auth_time: Math.min(actor.authenticatedAt, now),',
          'auth_time: now,',
        ),
      ),
      opens: [...ADDING, REMOVE, RECOVERY, PROMOTE, ...OWNERS],
    },
    {
      id: 'stepup-code-if-sent',
      title: 'Check the code if one is sent',
      why: 'The thief sends none.',
      change: change(
        edit(STEP_UP, PROVE, 'if (known.hasSecondFactor && code !== undefined) await'),
      ),
      opens: ['stepup-password-only'],
    },
    {
      id: 'stepup-forgive-by-password',
      title: 'Let a right password forgive all failures',
      why: 'The thief has the password, and sends it with each code.',
      change: change(
        edit(
          THROTTLE,
          "this.key('strangers', attempt)]",
          "this.key('strangers', attempt), this.key('codes', attempt)]",
        ),
      ),
      opens: ['stepup-guess-codes'],
    },
  ],
};
