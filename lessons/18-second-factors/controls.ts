import type { Control } from '../engine/lesson.js';

export const SESSIONS = 'src/auth/sessions.service.ts';
export const FACTORS = 'src/auth/factors.service.ts';
export const TOTP = 'src/auth/totp-secrets.service.ts';
export const CHALLENGES = 'src/auth/challenges.service.ts';
const RECOVERY = 'src/auth/recovery-codes.service.ts';
const SIGN_IN = 'src/auth/second-factor.service.ts';
const STEPS = 'src/auth/totp.ts';

export const ONE_USE = 'WHERE factor_id = ${id} AND last_step < ${step}`';
const control = (
  id: string,
  title: string,
  [file, find, replace = '']: [file: string, find: string, replace?: string],
  opens: string[],
): Control => ({ id, title, file, removal: { edits: [{ file, find, replace }] }, opens });

const asking: Control[] = [
  control(
    'factor-asked',
    'Where there is a second factor, the password opens no session',
    [SESSIONS, '\n          AND (${twoFactor} OR NOT has_second_factor)'],
    ['factor-password-alone', 'factor-by-mail'],
  ),
  control(
    'factor-ends-others',
    'Sessions that did without it end when it is added',
    [FACTORS, 'AND id <> ${sessionId} AND revoked_at IS NULL', 'AND FALSE AND id <> ${sessionId}'],
    ['factor-older-session'],
  ),
];

const once: Control[] = [
  control(
    'factor-one-use',
    'A code is good once, and then none before it',
    [TOTP, ONE_USE, 'WHERE factor_id = ${id}`'],
    ['factor-code-replay', 'factor-code-before', 'factor-code-at-once'],
  ),
  control(
    'factor-drift',
    'One step of drift and no more',
    [STEPS, 'DRIFT_STEPS = 1;', 'DRIFT_STEPS = 10;'],
    ['factor-code-late'],
  ),
  {
    id: 'factor-recovery-once',
    title: 'A recovery code is deleted by its use',
    file: RECOVERY,
    removal: {
      edits: [
        {
          file: RECOVERY,
          find: 'DELETE FROM recovery_codes WHERE code_hash',
          replace: 'UPDATE recovery_codes SET user_id = user_id WHERE code_hash',
        },
      ],
      sql: 'GRANT UPDATE ON recovery_codes TO bulwark_app;',
    },
    opens: ['factor-recovery-twice'],
  },
];

const counted: Control[] = [
  control(
    'factor-challenge-tries',
    'Five tries a challenge',
    [CHALLENGES, 'attempts_left = c.attempts_left - 1', 'attempts_left = c.attempts_left'],
    ['factor-guess-challenge'],
  ),
  control(
    'factor-account-tries',
    'Ten tries an account, and then a wait that doubles',
    [SIGN_IN, '    await this.codes.admit(attempt, code);\n'],
    ['factor-guess-account'],
  ),
];

const bound: Control[] = [
  control(
    'factor-challenge-password',
    'A challenge is good for the password that was checked',
    [CHALLENGES, 'AND password_digest = ${digestOf(known.passwordHash)} '],
    ['factor-challenge-of-old-password'],
  ),
  {
    id: 'factor-challenge-end',
    title: 'A challenge is good for five minutes',
    file: CHALLENGES,
    removal: {
      edits: [
        { file: CHALLENGES, find: ' AND c.expires_at > now()', replace: '' },
        {
          file: CHALLENGES,
          find: '${digestOf(known.passwordHash)} AND expires_at > now()',
          replace: '${digestOf(known.passwordHash)}',
        },
      ],
    },
    opens: ['factor-challenge-late'],
  },
  {
    id: 'factor-own-codes',
    title: 'A code is looked for among those of the person',
    file: TOTP,
    removal: {
      edits: [
        {
          file: TOTP,
          find: 'WHERE f.user_id = ${userId} AND f.confirmed_at',
          replace: 'WHERE f.confirmed_at',
        },
        // Seeds of all others do not open for this person, which without the first part is no damage.
        { file: TOTP, find: '    if (damage) throw damage;\n', replace: '' },
      ],
    },
    opens: [],
  },
  control(
    'factor-own-recovery',
    'A recovery code is of the person',
    [RECOVERY, ' AND user_id = ${id}\n      RETURNING', '\n      RETURNING'],
    ['factor-foreign-recovery'],
  ),
];

const sealed: Control[] = [
  {
    id: 'factor-sealed',
    title: 'The seed is sealed before it is stored',
    file: TOTP,
    removal: {
      edits: [
        {
          file: TOTP,
          find: 'await this.fields.seal(tx, TotpSecret, { factorId, userId, secret })',
          replace: '{ secret: Buffer.concat([Buffer.of(1), Buffer.alloc(44), secret]) }',
        },
        {
          file: TOTP,
          find: 'const { secret } = await this.fields.openOne(tx, TotpSecret, row);',
          replace: 'const secret = row.secret.subarray(45);',
        },
      ],
    },
    opens: ['factor-read-seed', 'factor-read-seed-by-own', 'factor-swap-seed', 'factor-move-row'],
  },
];

export const controls: Control[] = [...asking, ...once, ...counted, ...bound, ...sealed];
