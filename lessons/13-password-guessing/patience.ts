import { createHmac, randomInt } from 'node:crypto';
import { OVERALL } from '../../src/auth/login-throttle.js';
import { Config } from '../../src/config/config.js';
import { testEnvironment } from '../../test/support/test-app.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

const HOUR = 3_600;
/** What an hour has room for: a fraction of what it would have at an even pace. */
const ROOM = { oneSource: 17, manySources: 26 };
const MOST = 100;

interface Answer {
  accessToken?: string;
  code?: string;
}

const address = () => `172.${randomInt(16, 32)}.${randomInt(256)}.${randomInt(1, 255)}`;

const logIn = (target: Target, ip: string, email: string, password: string) =>
  target.stranger('eve', ip).post<Answer>('/v1/auth/login', { email, password });

/** Eve waits as she is told. In the lab, the clock of the failures is put forward instead. */
async function tryForAnHour(
  target: Target,
  room: number,
  next: (own: string) => string,
): Promise<Loot> {
  const { email, client } = await target.person('ada', 'password');
  let [waited, looked] = [0, 0];
  while (waited <= HOUR && looked <= room) {
    const answer = await logIn(target, next(client.ip), email, `a likely password ${looked}`);
    if (answer.body.code === 'invalid_credentials') looked += 1;
    else waited += Number(answer.headers.get('retry-after') ?? HOUR + 1);
    if (answer.status === 429)
      await target.lab.database.query('UPDATE login_failures SET next_at = now()');
  }
  return looked > room ? 'more guesses in an hour than it has room for' : null;
}

/** Eve has tried for weeks, and the hundred and first is the right one. */
async function tryForWeeks(target: Target, next: (own: string) => string): Promise<Loot> {
  const { email, password, client } = await target.person('ada', 'password');
  await logIn(target, next(client.ip), email, 'a likely password');
  await target.lab.database.query(
    `UPDATE login_failures SET next_at = now(), failures = ${MOST} WHERE failures < ${MOST}`,
  );
  const { body } = await logIn(target, next(client.ip), email, password);
  return body.accessToken ? 'Ada’s password, after a hundred others' : null;
}

/** Three likely passwords on every account there is, a fourth on Ada’s: as rows, what others get. */
async function sprayTogether(target: Target): Promise<Loot> {
  const { email, password } = await target.person('ada', 'password');
  const { keys } = new Config(testEnvironment(target.lab.database.urls.app));
  const key = createHmac('sha256', keys.throttle).update('["overall"]').digest();
  await target.lab.database.query(
    `INSERT INTO throttles VALUES ($1, now() + $2 * interval '1 second')
     ON CONFLICT (key) DO UPDATE SET whole_at = excluded.whole_at`,
    [key, OVERALL.burst * OVERALL.secondsEach + HOUR],
  );
  for (let number = 1; number <= 3; number += 1)
    await logIn(target, address(), email, `a likely password ${number}`);
  const { body } = await logIn(target, address(), email, password);
  await target.lab.database.query('DELETE FROM throttles WHERE key = $1', [key]);
  return body.accessToken ? 'the password that Ada has, the fourth of the list' : null;
}

const ownSource = (own: string) => own;

const attacks: Attack[] = [
  {
    id: 'guess-hour-one-source',
    title: 'Try for an hour from Ada’s own office, as fast as one may',
    run: (target) => tryForAnHour(target, ROOM.oneSource, ownSource),
  },
  {
    id: 'guess-hour-many-sources',
    title: 'Try for an hour from a new address each time, as fast as one may',
    run: (target) => tryForAnHour(target, ROOM.manySources, address),
  },
  {
    id: 'guess-weeks-one-source',
    title: 'Try for weeks from Ada’s own office',
    run: (target) => tryForWeeks(target, ownSource),
  },
  {
    id: 'guess-weeks-many-sources',
    title: 'Try for weeks from a new address each time',
    run: (target) => tryForWeeks(target, address),
  },
  {
    id: 'guess-together',
    title: 'Try little on each of all accounts, each time from a new address',
    run: sprayTogether,
  },
];

export const patience: Attack[] = attacks.map((attack) => ({
  ...attack,
  swept: 'in its lesson',
  needsLab: true,
}));
