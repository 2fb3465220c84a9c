import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { firstThatTells } from '../engine/tries.js';

interface Tokens {
  accessToken?: string;
  refreshToken?: string;
}

/** The thief copied Ada's refresh token: from a backup of her phone, say. */
async function refresh(target: Target, who: string, refreshToken = ''): Promise<Tokens> {
  const path = '/v1/auth/refresh';
  const { body } = await target.stranger(who).post<Tokens>(path, { refreshToken });
  return body;
}

async function opensProfileOf(target: Target, ada: Person, accessToken = ''): Promise<boolean> {
  const client = target.stranger('thief').withToken(accessToken);
  const { body } = await client.get<{ email?: string }>('/v1/users/me');
  return body.email === ada.email;
}

const theft: Attack[] = [
  {
    id: 'refresh-replay',
    title: 'Use a refresh token that Ada has already used',
    run: async (target) => {
      const ada = await target.person('ada');
      await refresh(target, 'ada', ada.refreshToken);
      const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
      return (await opensProfileOf(target, ada, accessToken)) ? 'a session of Ada’s' : null;
    },
  },
  {
    id: 'refresh-race',
    title: 'Use one refresh token many times at once',
    run: async (target) => {
      for (let round = 0; round < 3; round += 1) {
        const loot = await race(target);
        if (loot) return loot;
      }
      return null;
    },
  },
  {
    id: 'refresh-thief-first',
    title: 'Use the stolen token before Ada does, and stay when she notices',
    run: async (target) => {
      const ada = await target.person('ada');
      const stolen = await refresh(target, 'thief', ada.refreshToken);
      await refresh(target, 'ada', ada.refreshToken);
      const { accessToken } = await refresh(target, 'thief', stolen.refreshToken);
      return (await opensProfileOf(target, ada, accessToken)) ? 'Ada’s session, for good' : null;
    },
  },
  {
    id: 'refresh-thief-access',
    title: 'Go on with the access token after Ada has noticed',
    run: async (target) => {
      const ada = await target.person('ada');
      const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
      await refresh(target, 'ada', ada.refreshToken);
      return (await opensProfileOf(target, ada, accessToken)) ? 'Ada’s profile' : null;
    },
  },
];

async function race(target: Target): Promise<Loot> {
  const ada = await target.person('ada');
  const thieves = ['thief 1', 'thief 2', 'thief 3', 'thief 4'];
  const answers = await Promise.all(
    thieves.map((thief) => refresh(target, thief, ada.refreshToken)),
  );
  const tokens = new Set(answers.map(({ refreshToken }) => refreshToken).filter(Boolean));
  return tokens.size > 1 ? 'two or more sessions out of one token' : null;
}

const copies: Attack[] = [
  {
    id: 'refresh-table-copy',
    title: 'Sign in with what a copy of the table of refresh tokens holds',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const rows = await target.lab.database.query<{ stored: Buffer }>(
        `SELECT token_hash AS stored FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id
         WHERE s.user_id = $1 AND used_at IS NULL`,
        [ada.id],
      );
      const { stored } = rows[0] ?? { stored: Buffer.of() };
      for (const form of ['base64url', 'hex', 'latin1'] as const) {
        const { accessToken } = await refresh(target, 'thief', stored.toString(form));
        if (await opensProfileOf(target, ada, accessToken)) return 'a session of Ada’s';
      }
      return null;
    },
  },
];

/** Lets time pass: what the test of a month does in a moment. */
const setEnd = (target: Target, { id }: Person, end: string) =>
  target.lab.database.query(`UPDATE sessions SET expires_at = ${end} WHERE user_id = $1`, [id]);

const ends: Attack[] = [
  {
    id: 'refresh-after-end',
    title: 'Continue a session after its last day',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await setEnd(target, ada, "now() - interval '1 minute'");
      const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
      return (await opensProfileOf(target, ada, accessToken)) ? 'a session that had ended' : null;
    },
  },
  {
    id: 'refresh-for-ever',
    title: 'Keep a session alive by refreshing it in time, again and again',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await setEnd(target, ada, "now() + interval '1 minute'");
      const { refreshToken } = await refresh(target, 'thief', ada.refreshToken);
      await setEnd(target, ada, "expires_at - interval '2 minutes'");
      const { accessToken } = await refresh(target, 'thief', refreshToken);
      return (await opensProfileOf(target, ada, accessToken)) ? 'a session without an end' : null;
    },
  },
  {
    id: 'refresh-outlive',
    title: 'Fetch an access token just before the session ends',
    swept: 'never',
    needsLab: true,
    run: (target) =>
      firstThatTells(
        () => outlive(target, 300),
        () => outlive(target, 2_000),
      ),
  },
];

/** Lets Ada's refresh tokens lie for this many days, all of them. */
const leaveUnused = (target: Target, { id }: Person, days: number) =>
  target.lab.database.query(
    `UPDATE refresh_tokens SET created_at = now() - $2 * interval '1 day'
     WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1)`,
    [id, days],
  );

async function wake(target: Target, ada: Person, refreshToken?: string): Promise<Loot> {
  const { accessToken } = await refresh(target, 'thief', refreshToken);
  return (await opensProfileOf(target, ada, accessToken)) ? 'a session unused for a week' : null;
}

const idle: Attack[] = [
  {
    id: 'refresh-idle-session',
    title: 'Use the token of a phone that has lain in a drawer for eight days',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await leaveUnused(target, ada, 8);
      return wake(target, ada, ada.refreshToken);
    },
  },
  {
    id: 'refresh-idle-newest',
    title: 'The same with a session that had been refreshed before',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      const { refreshToken } = await refresh(target, 'ada', ada.refreshToken);
      await leaveUnused(target, ada, 8);
      return wake(target, ada, refreshToken);
    },
  },
  {
    id: 'refresh-idle-again',
    title: 'The same after four weeks, and ask again when it is refused',
    needsLab: true,
    run: async (target) => {
      const ada = await target.person('ada');
      await leaveUnused(target, ada, 28);
      const { refreshToken } = await refresh(target, 'thief', ada.refreshToken);
      return wake(target, ada, refreshToken ?? ada.refreshToken);
    },
  },
];

/** Undefined when nothing could be fetched: a busy machine may let the session end before it. */
async function outlive(target: Target, milliseconds: number): Promise<Loot | undefined> {
  const ada = await target.person('ada');
  // Tokens end with a whole second, and so does this session.
  const endsAt = Math.ceil((Date.now() + milliseconds) / 1_000) * 1_000;
  await setEnd(target, ada, `to_timestamp(${endsAt / 1_000})`);
  const { accessToken } = await refresh(target, 'thief', ada.refreshToken);
  if (!accessToken || !(await opensProfileOf(target, ada, accessToken))) return undefined;
  await sleep(Math.max(0, endsAt + 10 - Date.now()));
  const opens = await opensProfileOf(target, ada, accessToken);
  return opens ? 'Ada’s profile, after her session had ended' : null;
}

export const attacks: Attack[] = [...theft, ...copies, ...ends, ...idle];
