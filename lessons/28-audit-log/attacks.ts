import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { withClient } from '../../src/database/provision.js';
import { asApp, asOwner, collected, deed, forgeFrom, unlessTold } from './insider.js';

const SIGNED_IN = `event = 'authn_login_success'`;
const sign = ({ id }: Person) => `${SIGNED_IN} AND user_id = '${id}'`;
/** What disturbs the log, or takes a process of its own. */
const alone = { needsLab: true, swept: 'in its lesson' } as const;

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

const asTheOwner: Attack[] = [
  {
    ...alone,
    id: 'audit-owner-changes',
    title: 'As the owner of the database: change an event, and make the chain anew from there',
    run: async (target) => {
      const mallory = await deed(target);
      const seq = await seqOf(target, mallory);
      await target.lab.database.query('ALTER TABLE audit_events DISABLE TRIGGER USER');
      await asOwner(
        target,
        `UPDATE audit_events SET user_id = gen_random_uuid() WHERE ${sign(mallory)}`,
      );
      await forgeFrom(target, seq);
      return unlessTold(target, 'her sign-in is another’s, and the log is taken for whole');
    },
  },
  {
    ...alone,
    id: 'audit-owner-rewrites',
    title: 'As the owner: remove an event, and make the whole chain anew',
    run: async (target) => {
      const mallory = await deed(target);
      const seq = await seqOf(target, mallory);
      await target.lab.database.query('ALTER TABLE audit_events DISABLE TRIGGER USER');
      await closeGap(target, mallory, seq);
      await asOwner(target, 'DELETE FROM audit_checkpoints');
      await forgeFrom(target, 1);
      return unlessTold(target, 'her sign-in is gone, and the log is taken for whole');
    },
  },
  {
    ...alone,
    id: 'audit-owner-closes-gap',
    title: 'As the owner: remove an event with its link, and close the gap',
    run: async (target) => {
      const mallory = await deed(target);
      await asOwner(target, 'DELETE FROM audit_checkpoints');
      await closeGap(target, mallory, await seqOf(target, mallory));
      return unlessTold(target, 'her sign-in is gone, and the log is taken for whole');
    },
  },
  {
    ...alone,
    id: 'audit-owner-reorders',
    title: 'As the owner: have your sign-in and the start of the app change places',
    run: async (target) => {
      const seq = await seqOf(target, await deed(target));
      await asOwner(target, 'DELETE FROM audit_checkpoints');
      await asOwner(target, 'UPDATE audit_chain SET seq = 1000000 WHERE seq = 1');
      await target.lab.database.query('UPDATE audit_chain SET seq = 1 WHERE seq = $1', [seq]);
      await target.lab.database.query('UPDATE audit_chain SET seq = $1 WHERE seq = 1000000', [seq]);
      return unlessTold(target, 'she was there first, and the log is taken for whole');
    },
  },
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

const cutting: Attack[] = [
  {
    ...alone,
    id: 'audit-owner-truncates',
    title: 'As the owner: empty the log, checkpoints and all',
    run: async (target) => {
      await deed(target);
      const kept = collected(target);
      await asOwner(
        target,
        'TRUNCATE audit_events, audit_chain, audit_unsealed, audit_checkpoints',
      );
      return unlessTold(target, 'nothing ever happened, and the log is taken for whole', kept);
    },
  },
  {
    ...alone,
    id: 'audit-owner-begins-anew',
    title: 'As the owner: take the seals away, so that the app seals what is left',
    run: async (target) => {
      const mallory = await deed(target);
      const kept = collected(target);
      await asOwner(target, 'TRUNCATE audit_chain, audit_checkpoints');
      await asOwner(target, `DELETE FROM audit_events WHERE ${sign(mallory)}`);
      await asOwner(target, 'INSERT INTO audit_unsealed SELECT recorded_at, id FROM audit_events');
      return unlessTold(target, 'her sign-in is gone, and the log is taken for whole', kept);
    },
  },
];

const unrecorded: Attack[] = [
  {
    ...alone,
    id: 'audit-unrecorded-sign-in',
    title: 'Shut the log for a moment, and sign in',
    run: async (target) => {
      const mallory = await deed(target);
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
      const mallory = await deed(target);
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

export const attacks = [...asTheApp, ...asTheOwner, ...cutting, ...unrecorded];
