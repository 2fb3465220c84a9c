import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { withClient } from '../../src/database/provision.js';
import {
  asApp,
  asOwner,
  collected,
  deed,
  forgeFrom,
  sharedDeed,
  undone,
  unlessTold,
} from './insider.js';

const SIGNED_IN = `event = 'authn_login_success'`;
const sign = ({ id }: Person) => `${SIGNED_IN} AND user_id = '${id}'`;
/** What disturbs the log for a moment. */
const alone = { needsLab: true, swept: 'never' } as const;

/** What the owner of the database does after Mallory's deed, to hide it; the log is mended afterwards. */
const byOwner = (
  id: string,
  title: string,
  loot: string,
  hide: (target: Target, mallory: Person, seq: number) => Promise<unknown>,
  isLate = false,
): Attack => ({
  ...alone,
  id,
  title: `As the owner of the database: ${title}`,
  run: async (target) => {
    const mallory = await sharedDeed(target);
    const seq = await seqOf(target, mallory);
    return undone(target, async () => {
      await target.lab.database.query('ALTER TABLE audit_events DISABLE TRIGGER USER');
      // Before the next checkpoint leaves, or after it.
      const kept = isLate ? await collected(target) : undefined;
      if (!isLate) await asOwner(target, 'DELETE FROM audit_checkpoints');
      await hide(target, mallory, seq);
      return unlessTold(target, `${loot}, and the log is taken for whole`, kept);
    });
  },
});

const seqOf = async (target: Target, person: Person): Promise<number> => {
  const [row] = await target.lab.database.query<{ seq: number }>(
    `SELECT seq::int FROM audit_chain JOIN audit_events e ON e.id = event_id
     WHERE ${sign(person)} ORDER BY seq LIMIT 1`,
  );
  return row?.seq ?? 0;
};

const count = async (target: Target, which: string, { id }: Person): Promise<number> =>
  (await target.lab.database.query(`SELECT FROM audit_events WHERE ${which} AND user_id = '${id}'`))
    .length;

/** Nobody can write events meanwhile, as when a disk is full: it ends with the app's patience. */
const whileLogIsShut = (target: Target, act: () => Promise<boolean>): Promise<boolean> =>
  withClient(target.lab.database.urls.owner, async (owner) => {
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE audit_events IN EXCLUSIVE MODE');
    target.trace.push({
      who: 'mallory, who runs the database',
      method: 'SQL',
      path: 'LOCK TABLE audit_events',
      status: 0,
      got: [],
    });
    // Longer than what is written beside the answer waits.
    const done = await act();
    await new Promise((resolve) => setTimeout(resolve, done ? 4_000 : 0));
    await owner.query('ROLLBACK');
    return done;
  });

const asTheApp: Attack[] = [
  {
    id: 'audit-app-changes',
    title: 'With an injection: make your sign-in somebody else’s',
    needsLab: true,
    run: async (target) => {
      const mallory = await target.person('mallory', 'password');
      const statement = `UPDATE audit_events SET user_id = gen_random_uuid() WHERE ${sign(mallory)}`;
      return (await asApp(target, statement)) > 0 ? 'her sign-in is on record as another’s' : null;
    },
  },
  {
    id: 'audit-app-deletes',
    title: 'With an injection: remove your sign-in',
    needsLab: true,
    run: async (target) => {
      const mallory = await target.person('mallory', 'password');
      const statement = `DELETE FROM audit_events WHERE ${sign(mallory)}`;
      return (await asApp(target, statement)) > 0 ? 'her sign-in is on no record' : null;
    },
  },
];

/** A row like a sealed one, under its id, a second later; all else is Mallory's. */
const forgery = (ada: Person) => `
  INSERT INTO audit_events (id, recorded_at, event, outcome, actor_id, user_id, facts, mac)
  SELECT id, recorded_at + interval '1 second', 'privilege_permissions_changed', 'success',
    '${ada.id}', '${ada.id}', '{"role":"admin"}', mac
  FROM audit_events WHERE ${sign(ada)}`;

asTheApp.push({
  ...alone,
  id: 'audit-app-forges',
  title: 'With an injection: add a deed of somebody else’s, under the id of one that is sealed',
  run: async (target) => {
    const ada = await target.person('ada', 'password');
    // All of it is sealed: what is undone below takes no link from the sealer.
    await deed(target);
    return undone(target, async () => {
      const written = await asApp(target, forgery(ada));
      const loot = 'Ada made herself an administrator, and the log is taken for whole';
      return written > 0 ? unlessTold(target, loot) : null;
    });
  },
});

const asTheOwner: Attack[] = [
  byOwner(
    'audit-owner-changes',
    'change an event, and make the chain anew from there',
    'her sign-in is another’s',
    async (target, mallory, seq) => {
      const statement = 'UPDATE audit_events SET user_id = gen_random_uuid()';
      await asOwner(target, `${statement} WHERE ${sign(mallory)}`);
      await forgeFrom(target, seq);
    },
  ),
  byOwner(
    'audit-owner-removes',
    'remove an event, and make the chain anew from there',
    'her sign-in is gone',
    async (target, mallory, seq) => {
      await closeGap(target, mallory, seq);
      await forgeFrom(target, seq);
    },
  ),
  byOwner(
    'audit-owner-closes-gap',
    'remove an event with its link, and close the gap',
    'her sign-in is gone',
    closeGap,
  ),
  byOwner(
    'audit-owner-reorders',
    'have your sign-in and the one after it change places',
    'she came last',
    async (target, _mallory, seq) => {
      const { query } = target.lab.database;
      await asOwner(target, `UPDATE audit_chain SET seq = 1000000 WHERE seq = ${seq}`);
      await query('UPDATE audit_chain SET seq = $1 WHERE seq = $2', [seq, seq + 1]);
      await query('UPDATE audit_chain SET seq = $1 WHERE seq = 1000000', [seq + 1]);
    },
  ),
  byOwner(
    'audit-owner-truncates',
    'empty the log, checkpoints and all',
    'nothing ever happened',
    (target) =>
      asOwner(target, 'TRUNCATE audit_events, audit_chain, audit_unsealed, audit_checkpoints'),
    true,
  ),
  byOwner(
    'audit-owner-begins-anew',
    'take the seals away, so that the app seals what is left',
    'her sign-in is gone',
    async (target, mallory) => {
      await asOwner(target, 'TRUNCATE audit_chain, audit_checkpoints');
      await asOwner(target, `DELETE FROM audit_events WHERE ${sign(mallory)}`);
      // One that has just come may wait there by itself.
      await asOwner(
        target,
        `INSERT INTO audit_unsealed SELECT recorded_at, id FROM audit_events
         ON CONFLICT DO NOTHING`,
      );
    },
    true,
  ),
];

/** The event and its link go, and those that follow move up. */
async function closeGap(target: Target, mallory: Person, seq: number): Promise<void> {
  await asOwner(
    target,
    `DELETE FROM audit_chain WHERE event_id IN (
       SELECT id FROM audit_events WHERE ${sign(mallory)})`,
  );
  await asOwner(target, `DELETE FROM audit_events WHERE ${sign(mallory)}`);
  await target.lab.database.query('UPDATE audit_chain SET seq = seq + 1000000 WHERE seq > $1', [
    seq,
  ]);
  await target.lab.database.query('UPDATE audit_chain SET seq = seq - 1000001 WHERE seq > 1000000');
}

const unrecorded: Attack[] = [
  {
    ...alone,
    id: 'audit-unrecorded-sign-in',
    title: 'Shut the log for a moment, and sign in',
    run: async (target) => {
      const mallory = await target.person('mallory', 'password');
      const eve = target.stranger('mallory');
      const { email, password } = mallory;
      const before = await count(target, SIGNED_IN, mallory);
      const isIn = await whileLogIsShut(target, async () => {
        const { status } = await eve.post('/v1/auth/login', { email, password });
        return status === 200;
      });
      return isIn && (await count(target, SIGNED_IN, mallory)) === before
        ? 'she is signed in, and nothing tells it'
        : null;
    },
  },
  {
    ...alone,
    id: 'audit-unrecorded-password',
    title: 'Shut the log for a moment, and set another password',
    run: async (target) => {
      const mallory = await target.person('mallory', 'password');
      const { client, password } = mallory;
      const isSet = await whileLogIsShut(target, async () => {
        const body = { currentPassword: password, newPassword: 'quiet walnut harbour lantern' };
        return (await client.put('/v1/users/me/password', body)).status === 204;
      });
      const isTold = (await count(target, `event = 'authn_password_change'`, mallory)) > 0;
      return isSet && !isTold ? 'the password is another, and nothing tells it' : null;
    },
  },
];

export const attacks = [...asTheApp, ...asTheOwner, ...unrecorded];
