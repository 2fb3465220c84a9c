import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FRESH as OF_OWNERS } from '../src/access/access.decorators.js';
import { ACCESS_TOKEN_SECONDS, REVOCATION_SECONDS } from '../src/access/revocation-feed.js';
import { CHECKPOINT_EVENTS, CHECKPOINT_MINUTES } from '../src/audit/checkpoints.js';
import { UNSEALED_MINUTES } from '../src/audit/outside-chain.js';
import { SEAL_EVERY_MS } from '../src/audit/sealer.service.js';
import { REFUSALS_A_MINUTE } from '../src/audit/security-log.js';
import { LEVELS, LINES_ONLY } from '../src/audit/vocabulary.js';
import { MOST_FAILURES, REMEMBERED_DAYS } from '../src/auth/login-failures.service.js';
import {
  CODES,
  KNOWN_SOURCE_DAYS,
  OVERALL,
  PAIR,
  STRANGERS,
  UNDER_ATTACK,
} from '../src/auth/login-throttle.js';
import { CHANGE_MINUTES, UNDO_DAYS } from '../src/auth/email-links.service.js';
import { GRACE_DAYS } from '../src/auth/departures.service.js';
import { MAX_EXPORT_BYTES } from '../src/exports/export-writer.js';
import { DOWNLOAD_MINUTES } from '../src/exports/export-downloads.service.js';
import { INVITATION_DAYS } from '../src/auth/invitations.service.js';
import { EXPORT_HOURS, RESET_MINUTES } from '../src/auth/mail-links.service.js';
import { SIGN_UP_HOURS } from '../src/auth/sign-up-requests.service.js';
import { CHALLENGE_ATTEMPTS, CHALLENGE_MINUTES } from '../src/auth/challenges.service.js';
import { ENROLMENT_MINUTES, MAX_FACTORS } from '../src/auth/factors.service.js';
import { PASSKEY_CHALLENGE_MINUTES } from '../src/auth/passkey-challenges.service.js';
import { RECOVERY_CODES } from '../src/auth/recovery-codes.service.js';
import { DRIFT_STEPS, STEP_SECONDS } from '../src/auth/totp.js';
import { FRESH as OF_USERS } from '../src/users/users.controller.js';
import { MAX_WAITING } from '../src/auth/password-hasher.js';
import { MAX_LENGTH, MIN_LENGTH, MIN_LENGTH_WITH_FACTOR } from '../src/auth/password-policy.js';
import { IDLE_DAYS, SESSION_DAYS } from '../src/auth/sessions.service.js';
import { CURRENT_AGE_MS, KEY_AGE_MS } from '../src/crypto/data-keys.js';
import { GRACE_SECONDS } from '../src/crypto/key-statements.js';
import { DATABASE_LIMITS } from '../src/database/data-source-options.js';
import { MAX_PAGE_SIZE } from '../src/http/page.dto.js';
import { PROBLEMS } from '../src/http/problem.js';
import { RATE_LIMITS, type Limits } from '../src/http/rate-limit.js';
import { MAX_DEPTH, MAX_NAMES } from '../src/http/strict-json.js';
import { LIMITS } from '../src/listeners.js';
import { MAX_HEADERS } from '../src/http/strict-message.js';
import { EXPIRY_WARNING_DAYS, WATCH_SECONDS } from '../src/http/tls-listener.js';
import { MAX_URL_LENGTH } from '../src/http/strict-url.js';
import { DELIVERY_MS, SMTP_LIMITS } from '../src/mail/mail-transport.js';
import { MAIL_JOB } from '../src/mail/mailer.js';
import { DAILY, HOURLY } from '../src/mail/recipient-limit.js';
import { KEPT_HOURS } from '../src/resources/idempotency.service.js';

const PAGE = readFileSync(join(import.meta.dirname, '../docs/limits.md'), 'utf8');

type Rows = Record<string, string[]>;

/** The rows of the table whose head begins with this: the first cell, and as many more as asked. */
function tableOf(head: string, columns = 1): Rows {
  const lines = PAGE.slice(PAGE.search(new RegExp(`^\\| ${head} +\\|`, 'm'))).split('\n');
  const rows = lines.slice(2, lines.indexOf(''));
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return Object.fromEntries(cells.map(([first = '', ...rest]) => [first, rest.slice(0, columns)]));
}

const say = (count: number | undefined, unit = '') =>
  count === undefined ? '' : `${count.toLocaleString('en-US')} ${unit}`.trim();

/** The name of each limit on the page. One that is new in the code has to be named here. */
const OF_MESSAGES: Record<keyof typeof LIMITS, [name: string, unit: string]> = {
  bodyBytes: ['a body', 'bytes'],
  headerBytes: ['all headers together', 'bytes'],
  parameterLength: ['one parameter in a path', 'characters'],
  handshakeTimeout: ['until the handshake of TLS is done', 'milliseconds'],
  headersTimeout: ['until the headers have come', 'milliseconds'],
  requestTimeout: ['until the request has come', 'milliseconds'],
  timeoutCheckInterval: ['until one of the two is noticed', 'milliseconds'],
  keepAliveTimeout: ['an idle connection', 'milliseconds'],
};
const OF_THE_DATABASE: Record<keyof typeof DATABASE_LIMITS, string> = {
  connect: 'a connection to the database',
  statement: 'a statement',
  lock: 'a lock',
  idleInTransaction: 'an idle transaction',
  answer: 'an answer of the database',
};
const entries = <Key extends string, Value>(record: Record<Key, Value>) =>
  Object.entries(record) as [Key, Value][];

describe('docs/limits.md', () => {
  it('has how long a data key lives', () => {
    expect(tableOf('Of a data key')).toEqual({
      'in the memory of an instance': [say(KEY_AGE_MS / 60_000, 'minutes')],
      'used to seal, after it was retired, at the most': [say(CURRENT_AGE_MS / 1_000, 'seconds')],
      'kept after it was retired, at the least': [say(GRACE_SECONDS, 'seconds')],
    });
  });

  it('has every budget of requests', () => {
    const budgets = entries<string, Limits>(RATE_LIMITS).map(([name, { perIp, perUser }]) => [
      `\`${name}\``,
      [say(perIp), say(perUser)],
    ]);
    expect(tableOf('Budget', 2)).toEqual(Object.fromEntries(budgets));
  });

  it('has how guessing passwords is stopped, and why nobody is locked out', () => {
    const failures = ({ free, firstWait, longestWait }: typeof PAIR) => [
      say(free),
      say(firstWait, 'seconds'),
      say(longestWait, 'seconds'),
    ];
    expect(tableOf('Failures of', 3)).toEqual({
      'one source on one account': failures(PAIR),
      'all sources that the account does not know': failures(STRANGERS),
      'the same, while all accounts are attacked': failures(UNDER_ATTACK),
    });
    expect(PAGE).toContain(`After ${MOST_FAILURES} failures in a row`);
    expect(PAGE).toContain(`tried for ${REMEMBERED_DAYS} days`);
    expect(PAGE).toContain(`${say(OVERALL.burst)} tries on them`);
    expect(PAGE).toContain(`than ${1 / OVERALL.secondsEach} in a second`);
    expect(tableOf('Of a password')).toEqual({
      'its length': [`${MIN_LENGTH} to ${MAX_LENGTH} characters`],
      'its length beside a second factor': [
        `${MIN_LENGTH_WITH_FACTOR} to ${MAX_LENGTH} characters`,
      ],
      'hashes that wait at the same time': [`${MAX_WAITING}, then \`overloaded\``],
    });
    expect(PAGE).toContain('**No stranger can lock anybody out.**');
    expect(PAGE).toContain(`known to the account for ${KNOWN_SOURCE_DAYS} days`);
  });

  it('has how guessing codes is stopped, and for how long a sign-in is fresh', () => {
    expect(tableOf('Codes of a second factor')).toEqual({
      'answered at once, in a row': [say(CODES.free)],
      'the wait after them, which doubles': [
        `${say(CODES.firstWait)} to ${say(CODES.longestWait, 'seconds')}`,
      ],
      'good at a time': [say(2 * DRIFT_STEPS + 1, 'steps')],
      'one step': [say(STEP_SECONDS, 'seconds')],
      'tries of one challenge': [say(CHALLENGE_ATTEMPTS)],
      'the life of a challenge': [say(CHALLENGE_MINUTES, 'minutes')],
      'the life of a passkey’s challenge': [say(PASSKEY_CHALLENGE_MINUTES, 'minutes')],
      'the life of an enrolment': [say(ENROLMENT_MINUTES, 'minutes')],
      'recovery codes of one account': [say(RECOVERY_CODES)],
      'factors of one account': [say(MAX_FACTORS)],
    });
    const [owners, users] = [OF_OWNERS, OF_USERS].map(({ withinSeconds }) => withinSeconds);
    expect(PAGE.replaceAll('\n', ' ')).toContain(
      `${say(owners, 'seconds')} for what is one’s own, ${say(users)} for roles`,
    );
  });

  it('has how long a session lives, used and unused', () => {
    expect(tableOf('What')).toEqual({
      'an access token': [say(ACCESS_TOKEN_SECONDS, 'seconds')],
      'a refresh token that nobody uses': [say(IDLE_DAYS, 'days')],
      'a session, however often it is refreshed': [say(SESSION_DAYS, 'days')],
      'the note that a session has ended': [say(REVOCATION_SECONDS, 'seconds')],
      'an idempotency key': [say(KEPT_HOURS, 'hours')],
    });
  });

  it('has how many mails an address gets, and how long a mail server may take', () => {
    const budget = ({ burst, secondsEach }: typeof HOURLY) => [
      say(burst),
      say(secondsEach, 'seconds'),
    ];
    expect(tableOf('Mails of one kind', 2)).toEqual({
      hourly: budget(HOURLY),
      daily: budget(DAILY),
    });
    expect(tableOf('Of a delivery')).toEqual({
      'a name is looked up': [say(SMTP_LIMITS.dnsTimeout, 'milliseconds')],
      'a connection': [say(SMTP_LIMITS.connectionTimeout, 'milliseconds')],
      'the greeting': [say(SMTP_LIMITS.greetingTimeout, 'milliseconds')],
      'a silence': [say(SMTP_LIMITS.socketTimeout, 'milliseconds')],
      'all of it': [say(DELIVERY_MS, 'milliseconds')],
    });
    expect(PAGE).toContain(`${MAIL_JOB.retryLimit + 1} times in all`);
  });

  it('has how long each mailed link lives', () => {
    expect(tableOf('A link that')).toEqual({
      'sets a new password': [say(RESET_MINUTES, 'minutes')],
      'confirms the address of a sign-up': [say(SIGN_UP_HOURS, 'hours')],
      'confirms another address': [say(CHANGE_MINUTES, 'minutes')],
      'takes a change of the address back': [say(UNDO_DAYS, 'days')],
      'keeps an account from its deletion': [say(GRACE_DAYS, 'days')],
      invites: [say(INVITATION_DAYS, 'days')],
      "leads to a copy of one's data": [say(EXPORT_HOURS, 'hours')],
    });
    expect(PAGE).toContain(`holds ${say(MAX_EXPORT_BYTES, 'bytes')} at the most`);
    expect(PAGE).toContain(`${say(DOWNLOAD_MINUTES, 'minutes')} after its download`);
  });

  it('has every bound of a request, and with which code it is refused', () => {
    const ofMessages = entries(OF_MESSAGES).map(([key, [name, unit]]) => [
      name,
      [say(LIMITS[key], unit)],
    ]);
    const ofTheDatabase = entries(OF_THE_DATABASE).map(([key, name]) => [
      name,
      [say(DATABASE_LIMITS[key], 'milliseconds')],
    ]);
    expect(tableOf('Bound of')).toEqual({
      ...Object.fromEntries([...ofMessages, ...ofTheDatabase]),
      'the number of headers': [say(MAX_HEADERS)],
      'an URL': [say(MAX_URL_LENGTH, 'characters')],
      'the depth of JSON': [say(MAX_DEPTH)],
      'the names in a body of JSON': [say(MAX_NAMES)],
      'the items of a page': [say(MAX_PAGE_SIZE)],
    });
    const codes = Object.values(tableOf('Bound of', 2)).map(([, beyond = '']) => beyond);
    const named = codes.filter((code) => code.startsWith('`')).map((code) => code.slice(1, -1));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((code) => !(code in PROBLEMS))).toEqual([]);
  });

  it('has when a renewed certificate is taken, and when the log warns of its end', () => {
    expect(PAGE).toContain(`looked at every ${WATCH_SECONDS} seconds`);
    expect(PAGE).toContain(`from ${EXPIRY_WARNING_DAYS} days before its end`);
  });

  it('has every security event, with its level', () => {
    const events = entries(LEVELS).map(([event, level]) => [`\`${event}\``, [`\`${level}\``]]);
    expect(tableOf('Event')).toEqual(Object.fromEntries(events));
  });

  it('has how the audit log is sealed, and for how long it is kept', () => {
    expect(tableOf('Of the audit log')).toEqual({
      'the sealer looks for new events every': [say(SEAL_EVERY_MS / 1_000, 'seconds')],
      'an event that is sealed later than that is told': [say(UNSEALED_MINUTES, 'minutes')],
      'a checkpoint after so many events': [say(CHECKPOINT_EVENTS)],
      'or after': [say(CHECKPOINT_MINUTES, 'minutes')],
      'facts of one event': ['1,000 bytes'],
    });
    expect(PAGE).toContain(`up to ${REFUSALS_A_MINUTE} times a minute and source`);
    for (const event of LINES_ONLY) expect(PAGE).toContain(`\`${event}\``);
  });

  it('says where the log goes, and whose it is from there', () => {
    for (const fact of ['standard output, and nowhere else', "is the operator's"])
      expect(PAGE).toContain(fact);
  });
});
