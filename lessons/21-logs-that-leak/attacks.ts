import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../src/database/provision.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';

const POLL_MS = 10;
const MAX_POLLS = 500;

/** A word that no other attack uses. */
const newWord = (word: string) => `${word}-${randomUUID()}`;

/** What somebody reads who may read the logs: everything up to now. */
export async function readLog(target: Target): Promise<string> {
  const traceId = randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  await target.stranger().get('/v1/health/live', { traceparent });
  target.trace.pop();
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    if (target.lab.log().includes(traceId)) return target.lab.log();
    await sleep(POLL_MS);
  }
  throw new Error('the log did not come');
}

const isLogged = async (target: Target, text: string) => (await readLog(target)).includes(text);

/** Holds Ada's row, so that her change waits, and cancels it there: an error with its values. */
async function failToChange(target: Target, ada: Person, title: string): Promise<void> {
  const { id } = await target.resource(ada);
  const { owner, app } = target.lab.database.urls;
  await withClient(owner, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM resources WHERE id = $1 FOR UPDATE', [id]);
    const change = ada.client.patch(`/v1/resources/${id}`, { title }, { 'if-match': '"1"' });
    await withClient(app, async (canceller) => {
      for (let poll = 0; poll < MAX_POLLS; poll += 1) {
        const { rowCount } = await canceller.query(CANCEL_WAITING);
        if (rowCount) break;
        await sleep(POLL_MS);
      }
    });
    await holder.query('ROLLBACK');
    await change;
  });
}

const CANCEL_WAITING = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'`;

const searched = (id: string, title: string, path: string): Attack => ({
  id,
  title,
  needsLab: true,
  run: async (target) => {
    const [ada, word] = [await target.person('ada'), newWord('divorce')];
    await ada.client.get(`${path}?title=${word}`);
    return (await isLogged(target, word)) ? 'what Ada searched for: divorce' : null;
  },
});

const contents: Attack[] = [
  searched('log-query', 'Read in the log what Ada searched for', '/v1/resources'),
  searched('log-mistyped', 'The same, of a request whose path was mistyped', '/v1/resource'),
  {
    id: 'log-content',
    title: 'Read in the log what Ada wrote',
    needsLab: true,
    run: async (target) => {
      const [ada, word] = [await target.person('ada'), newWord('diagnosis')];
      await ada.client.post('/v1/resources', { title: word, content: '' });
      return (await isLogged(target, word)) ? 'the title of Ada’s resource' : null;
    },
  },
  {
    id: 'log-password-hash',
    title: 'Find a password hash in the log',
    needsLab: true,
    run: async (target) => {
      await target.person('ada', 'password');
      return (await isLogged(target, '$argon2id$')) ? 'the hash of Ada’s password' : null;
    },
  },
  {
    id: 'log-error-values',
    title: 'Read in the log what Ada was writing when the database failed',
    needsLab: true,
    run: async (target) => {
      const [ada, word] = [await target.person('ada'), newWord('diagnosis')];
      await failToChange(target, ada, word);
      return (await isLogged(target, word)) ? 'the title that Ada wanted to save' : null;
    },
  },
  {
    id: 'log-typed-address',
    title: 'Read in the log who tried to sign in',
    needsLab: true,
    run: async (target) => {
      const email = `${newWord('leave-my-boss')}@example.com`;
      await target.stranger('ada').post('/v1/auth/login', { email, password: randomUUID() });
      return (await isLogged(target, email)) ? 'the address that somebody typed' : null;
    },
  },
];

const forged = (id: string, title: string, traceparent: (word: string) => string): Attack => ({
  id,
  title,
  needsLab: true,
  run: async (target) => {
    const word = newWord('mallory');
    const text = traceparent(word);
    await target.stranger('mallory').get('/v1/health/live', { traceparent: text });
    return (await isLogged(target, text)) ? 'a text of Mallory’s in place of a request’s id' : null;
  },
});

const injections: Attack[] = [
  forged(
    'log-markup',
    'Leave markup for whoever reads the log in a browser',
    (word) => `<img src=//evil.example/${word}>`,
  ),
  forged(
    'log-padding',
    'Make a line of the log as long as you like',
    (word) => word + 'A'.repeat(8_000),
  ),
];

export const attacks: Attack[] = [...contents, ...injections];
