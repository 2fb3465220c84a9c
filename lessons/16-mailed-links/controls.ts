import type { Change, Control, Edit } from '../engine/lesson.js';

const SIGN_UPS = 'src/auth/sign-ups.service.ts';
const SIGN_UP_REQUESTS = 'src/auth/sign-up-requests.service.ts';
const LINKS = 'src/auth/mail-links.service.ts';
export const RECOVERY = 'src/auth/recovery.service.ts';
const REQUESTS = 'src/auth/recovery-requests.service.ts';
const ROUTE = 'src/auth/recovery.controller.ts';
const MOVES = 'src/auth/email-changes.service.ts';
export const MOVE_LINKS = 'src/auth/email-links.service.ts';
export const MAILER = 'src/mail/mailer.ts';
const LIMIT = 'src/mail/recipient-limit.ts';

const edits = (file: string, ...pairs: [find: string, replace: string][]): Edit[] =>
  pairs.map(([find, replace]) => ({ file, find, replace }));
export const removal = (file: string, ...pairs: [find: string, replace: string][]): Change => ({
  edits: edits(file, ...pairs),
});

/** In the app's own words: somebody looks before the answer. */
const looksUp = (email: string) =>
  `(await this.dataSource.sql<unknown[]>\`SELECT FROM users
    WHERE email_index = \${this.links['addresses'].indexOf(${email})}\`).length`;
const PROBLEM = "import { Problem } from '../http/problem.js';\n";

const PASSWORD_TOO = `    if (!(await this.hasher.verify(found.passwordHash, password)))
      throw new Problem('wrong_password');
`;

/** The link is made of what the request calls the host, as frameworks do that know no own address. */
export const SPEND =
  "      if (!(await this.links.spend(tx, 'reset_password', token))) return false;\n";
export const ORIGIN = 'if (link === null || (link && link.origin !== this.config.publicUrl))';

export const hostOfRequest: Edit[] = [
  ...edits(
    ROUTE,
    [
      "@ApiTags('auth')",
      `import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
const Host = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
  return headers['x-forwarded-host'];
});

@ApiTags('auth')`,
    ],
    [
      'forgot(@Body() { email }: ForgotPasswordRequest)',
      'forgot(@Body() { email }: ForgotPasswordRequest, @Host() host?: string)',
    ],
    ['this.requests.add(email)', 'this.requests.add(email, host)'],
  ),
  ...edits(
    REQUESTS,
    ['add(email: string)', 'add(email: string, host?: string)'],
    ['const request: Request = { email };', 'const request = { email, host };'],
    ['sendLink({ email }: Request)', 'sendLink({ email, host }: Request & { host?: string })'],
    [
      'values: { link }',
      'values: { link: host ? link.replace(/^.*?(?=\\/account)/, `https://${host}`) : link }',
    ],
  ),
];

export const controls: Control[] = [
  {
    id: 'link-and-password',
    title: 'The link and the password of that very sign-up, together, make the account',
    file: SIGN_UPS,
    removal: removal(SIGN_UPS, [PASSWORD_TOO, '']),
    opens: ['link-pre-hijack'],
  },
  {
    id: 'link-own-sign-up',
    title: 'Each sign-up of an address is one of its own, with its own link and password',
    file: SIGN_UPS,
    removal: removal(SIGN_UPS, [
      'SELECT * FROM live WHERE token_hash = ${hashToken(token)}',
      'SELECT * FROM live ORDER BY (SELECT created_at FROM sign_ups s WHERE s.id = live.id) DESC LIMIT 1',
    ]),
    opens: ['link-pre-hijack-overtake', 'enumerate-confirmation'],
  },
  {
    id: 'link-first-the-mail',
    title: 'Before the link there is no account',
    file: SIGN_UP_REQUESTS,
    removal: removal(
      SIGN_UP_REQUESTS,
      [
        "      await this.queue.add(tx, 'sign-up', { id } satisfies Request, JOB);",
        `      await this.queue.add(tx, 'sign-up', { id } satisfies Request, JOB);
      const users = this.module.get(CredentialsService, { strict: false });
      await users.create(tx, { email, displayName, passwordHash, role: 'user' });`,
      ],
      [
        "import { DataSource, type EntityManager } from 'typeorm';",
        `import { ModuleRef } from '@nestjs/core';
import { DataSource, type EntityManager } from 'typeorm';
import { CredentialsService } from '../users/credentials.service.js';`,
      ],
      [
        '    private readonly hasher: PasswordHasher,\n',
        '    private readonly hasher: PasswordHasher,\n    private readonly module: ModuleRef,\n',
      ],
    ),
    opens: ['link-unverified', 'link-pre-hijack', 'enumerate-sign-up-and-in'],
  },
  {
    id: 'link-sign-up-budget',
    title: 'The password of a sign-up has as many tries as that of an account',
    file: SIGN_UPS,
    removal: removal(SIGN_UPS, [
      '    await this.throttle.admit({ account: `sign-up ${found.id}`, ip });\n',
      '',
    ]),
    opens: ['link-sign-up-guess'],
  },
  {
    id: 'link-mail-budget',
    title: 'Five mails of a kind in a row for one address, whoever asks',
    file: LIMIT,
    removal: removal(LIMIT, [
      "(await this.budgets.take(tx, this.budgets.key('mail-hourly', kind, recipient), HOURLY)) &&",
      'true &&',
    ]),
    opens: ['link-bombing'],
  },
  {
    id: 'link-own-host',
    title: 'Links are made of PUBLIC_URL',
    file: LINKS,
    removal: { edits: hostOfRequest },
    opens: [],
  },
  {
    id: 'link-mailer-host',
    title: 'No mail leaves with a link to elsewhere',
    file: MAILER,
    removal: removal(MAILER, [ORIGIN, 'if (link === null)']),
    opens: [],
  },
  {
    id: 'link-spent',
    title: 'A use spends the link, and one statement decides which use that is',
    file: RECOVERY,
    removal: removal(RECOVERY, [SPEND, '']),
    opens: ['link-raced'],
  },
  {
    id: 'link-dies-on-change',
    title: 'A new password or address ends every link that was open, whoever made the change',
    file: 'migrations/0004-email-changes.sql',
    removal: { sql: 'DROP TRIGGER user_credentials_changed ON users' },
    opens: ['link-after-change', 'link-move-after-change'],
  },
  {
    id: 'link-expiry',
    title: 'A link has an end',
    file: LINKS,
    removal: removal(
      LINKS,
      [
        '          AND l.expires_at > now() AND u.disabled_at IS NULL\n        FOR NO KEY UPDATE',
        '          AND u.disabled_at IS NULL\n        FOR NO KEY UPDATE',
      ],
      ['AND l.expires_at > now() AND u.disabled_at IS NULL`', 'AND u.disabled_at IS NULL`'],
    ),
    opens: ['link-expired', 'export-late'],
  },
  {
    id: 'link-one-purpose',
    title: 'A link is good for what it was mailed for',
    file: LINKS,
    removal: removal(
      LINKS,
      [
        '${hashToken(token)} AND l.purpose = ${purpose}\n        AND l.expires_at > now()',
        '${hashToken(token)} AND ${purpose}::text IS NOT NULL\n        AND l.expires_at > now()',
      ],
      [
        '${hashToken(token)} AND l.purpose = ${purpose}\n          AND',
        '${hashToken(token)} AND ${purpose}::text IS NOT NULL\n          AND',
      ],
      [
        'DELETE FROM mail_links WHERE purpose = ${purpose} AND user_id',
        'DELETE FROM mail_links WHERE user_id',
      ],
    ),
    opens: ['link-other-purpose'],
  },
  {
    id: 'link-same-answer',
    title: 'Nobody looks before the answer who has an account',
    file: REQUESTS,
    removal: removal(
      REQUESTS,
      ['import { Mailer }', `${PROBLEM}import { Mailer }`],
      [
        '    const request: Request',
        `    if (!${looksUp('email')}) throw new Problem('not_found');\n    const request: Request`,
      ],
    ),
    opens: ['link-enumerate'],
  },
  {
    id: 'link-move-password',
    title: 'A change of address asks for the password',
    file: MOVES,
    removal: removal(MOVES, [
      '    await this.account.reauthenticate(actor, currentPassword, ip);\n',
      '',
    ]),
    opens: ['link-move-by-token'],
  },
  {
    id: 'link-move-ends-sessions',
    title: 'It ends every session',
    file: MOVES,
    removal: removal(MOVES, [
      '    await endSessionsOf(tx, move.id);\n    const link',
      '    const link',
    ]),
    opens: ['link-move-session'],
  },
  {
    id: 'link-move-same-answer',
    title: 'Whether somebody has the address is decided when the link is used',
    file: MOVES,
    removal: removal(
      MOVES,
      ['import { Mailer }', `${PROBLEM}import { Mailer }`],
      [
        '    await this.dataSource.transaction(async (tx) => {\n      await tx.sql`SELECT',
        `    if (${looksUp('newEmail')}) throw new Problem('forbidden');\n    await this.dataSource.transaction(async (tx) => {\n      await tx.sql\`SELECT`,
      ],
    ),
    opens: [],
  },
  {
    id: 'link-undo-new-password',
    title: 'The way back takes a new password along: who moved the account knew the old one',
    file: MOVE_LINKS,
    removal: removal(MOVE_LINKS, [
      '          password_hash = ${newHash}, password_is_short = false,\n',
      '',
    ]),
    opens: ['link-undo-password'],
  },
  {
    id: 'link-undo-order',
    title: 'A way back ends those of later moves, and not those of earlier ones',
    file: MOVE_LINKS,
    removal: removal(MOVE_LINKS, ['\n            AND l.expires_at >= owner.expires_at', '']),
    opens: ['link-undo-own'],
  },
  {
    id: 'link-undo-factors',
    title: 'A way back takes out the factors that were added since the week before the move',
    file: MOVE_LINKS,
    removal: removal(MOVE_LINKS, [
      '    await this.factors.removeAddedSince(tx, { id, email }, addedSince);\n',
      '',
    ]),
    opens: ['link-undo-factor', 'link-undo-factor-after', 'link-undo-passkey'],
  },
];
