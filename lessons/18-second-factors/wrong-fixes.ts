import type { WrongFix } from '../engine/lesson.js';
import { ONE_USE, TOTP } from './controls.js';

const THROTTLE = 'src/auth/login-throttle.ts';
const RECOVERY = 'src/auth/recovery.service.ts';

const fix = (
  id: string,
  title: string,
  why: string,
  [file, find, replace]: [file: string, find: string, replace: string],
) => ({ id, title, why, change: { edits: [{ file, find, replace }] } });

export const wrongFixes: WrongFix[] = [
  {
    ...fix(
      'factor-remember-last',
      'Remember the last code, and refuse that one',
      'The window holds three codes; the one before the last is as good as new.',
      [TOTP, ONE_USE, 'WHERE factor_id = ${id} AND last_step <> ${step}`'],
    ),
    opens: ['factor-code-before'],
  },
  {
    ...fix(
      'factor-look-first',
      'Look whether the code was used, then write down that it is',
      'Between the look and the writing, others look, too.',
      [
        TOTP,
        ONE_USE,
        'WHERE factor_id = ${id} AND (SELECT last_step FROM totp_secrets WHERE factor_id = ${id}) < ${step}`',
      ],
    ),
    opens: ['factor-code-at-once'],
  },
  {
    ...fix(
      'factor-count-by-source',
      'Count the codes that one address tries',
      'Whoever has the password of an account has more than one address, too.',
      [THROTTLE, "new Set(['strangers', 'codes'])", "new Set(['strangers'])"],
    ),
    opens: ['factor-guess-account'],
  },
  {
    ...fix(
      'factor-reset-clears',
      'Who resets the password has lost the phone as well: remove the factor',
      'Then the mailbox is the only factor.',
      [
        RECOVERY,
        'await this.sessions.replacePassword(tx, owner, password);',
        `await this.sessions.replacePassword(tx, owner, password);
        await tx.sql\`DELETE FROM factors WHERE user_id = \${owner.id}\`;`,
      ],
    ),
    opens: ['factor-by-mail'],
  },
];
