import { randomBytes } from 'node:crypto';
import { Client } from '../../test/support/client.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

const ROWS = 101;

const createMany = (clients: TracingClient[]) =>
  Promise.all(
    clients.map((client) => client.post('/v1/resources', { title: 'one of many', content: '' })),
  );

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_none, index) => make(index));

const pages: Attack[] = [
  {
    id: 'page-without-end',
    title: 'Ask for more rows at once than a page has',
    run: async (target) => {
      const eve = await target.person('eve');
      await createMany(times(ROWS - 1, () => eve.client));
      // The newest stands first in the answer: so the trace is the same each time.
      await createMany([eve.client]);
      const { body } = await eve.client.get<{ items?: unknown[] }>('/v1/resources?limit=100000');
      return (body.items?.length ?? 0) >= ROWS ? 'all 101 rows in one answer' : null;
    },
  },
];

const PADDING = ' '.repeat(300 * 1024);
/** A small resource in a large message: everything after the first brace is white space. */
const padded = `{${PADDING}"title":"small","content":""}`;

const sizes: Attack[] = [
  {
    id: 'body-padded',
    title: 'Send 300 kB of white space around a small resource',
    run: async (target) => {
      const eve = await target.person('eve');
      const { status } = await eve.client.post('/v1/resources', padded);
      return status === 201 ? '300 kB read and parsed for one small resource' : null;
    },
  },
  {
    id: 'body-chunked',
    title: 'The same in chunks, without saying beforehand how much it is',
    run: async (target) => {
      const eve = await target.person('eve');
      const status = await postInChunks(target, eve, padded);
      return status === 201 ? '300 kB read and parsed, announced by no Content-Length' : null;
    },
  },
  {
    id: 'text-long-label',
    title: 'Keep a book in a label',
    run: async (target) => {
      const eve = await target.person('eve');
      const fields = { title: 'x', content: '', labels: ['x'.repeat(5_000)] };
      const { body } = await eve.client.post<{ labels?: string[] }>('/v1/resources', fields);
      return body.labels?.[0]?.length === 5_000 ? 'a label of 5,000 characters' : null;
    },
  },
];

const DEPTH = 15_000;

/** The loot is a 500, so this speaks through a client that does not stop at one. */
const nested = (id: string, title: string, [open, close]: [string, string]): Attack => ({
  id,
  title,
  run: async (target) => {
    const { client, accessToken } = await target.person('eve');
    const path = '/v1/resources';
    const sent = open.repeat(DEPTH) + 1 + close.repeat(DEPTH);
    const eve = new Client(target.url, client.ip, accessToken);
    const { status, body: got } = await eve.post(path, sent);
    target.trace.push({ who: 'eve', method: 'POST', path, sent, status, got });
    return status === 500 ? 'an exception nobody expected: the stack has overflowed' : null;
  },
});

const depths: Attack[] = [
  nested('json-deep-arrays', 'Send brackets, 15,000 deep', ['[', ']']),
  nested('json-deep-objects', 'Send braces, 15,000 deep', ['{"":', '}']),
  {
    id: 'json-many-names',
    title: 'Send ten thousand names that nobody declared',
    run: async (target) => {
      const eve = await target.person('eve');
      const names = times(10_000, (index) => `"${index.toString(36)}":{}`);
      const { body } = await eve.client.post<{ code: string }>(
        '/v1/resources',
        `{${names.join()}}`,
      );
      return body.code === 'validation_failed' ? 'a validator’s time for each of them' : null;
    },
  },
];

async function postInChunks(target: Target, { client }: Person, text: string) {
  const response = await fetch(`${client.url}/v1/resources`, {
    method: 'POST',
    headers: {
      'x-forwarded-for': client.ip,
      authorization: `Bearer ${client.token}`,
      'content-type': 'application/json',
    },
    body: new Blob([text]).stream(),
    duplex: 'half',
  }).catch(() => undefined);
  if (!response) {
    // It hung up before the end, which may be how it refuses: it must be there for the next one.
    await client.get('/v1/health/live');
    return undefined;
  }
  const got: unknown = await response.json();
  const asked = { who: 'eve', method: 'POST', path: '/v1/resources', sent: text };
  target.trace.push({ ...asked, status: response.status, got });
  return response.status;
}

/** The budget is 30 a minute; two seconds give one back. */
const GUESSES = 40;
const TOO_MANY = 36;

/** Guesses at refresh tokens until the budget stops it. Each client is one address, or says so. */
async function guess(clients: TracingClient[], headers: (index: number) => Record<string, string>) {
  const answers = await Promise.all(
    clients.map((client, index) => {
      const refreshToken = randomBytes(32).toString('base64url');
      return client.post('/v1/auth/refresh', { refreshToken }, headers(index));
    }),
  );
  const guessed = answers.filter(({ status }) => status === 401).length;
  return guessed >= TOO_MANY ? `${GUESSES} guesses at a refresh token at once, ` : null;
}

const from = (target: Target, addresses: string[]) =>
  addresses.map((address) => target.stranger('mallory', address));
const group = () => randomBytes(2).toString('hex');
const none = () => ({});

const floods: Attack[] = [
  {
    id: 'flood-one-address',
    title: 'Guess refresh tokens from one address as fast as you can',
    run: async (target) => {
      const mallory = target.stranger('mallory');
      const loot = await guess(Array<TracingClient>(GUESSES).fill(mallory), none);
      return loot && `${loot}from one address`;
    },
  },
  {
    id: 'flood-forged-address',
    title: 'Send a new X-Forwarded-For with each guess; the proxy adds the true address',
    run: async (target) => {
      const { ip } = target.stranger();
      const forged = times(GUESSES, (index) => `198.51.100.${index}, ${ip}`);
      const loot = await guess(from(target, forged), none);
      return loot && `${loot}from one address that called itself ${GUESSES}`;
    },
  },
  {
    id: 'flood-other-headers',
    title: 'Send a new X-Real-IP, Client-IP and Forwarded with each guess',
    run: async (target) => {
      const mallory = target.stranger('mallory');
      const loot = await guess(Array<TracingClient>(GUESSES).fill(mallory), (index) => ({
        'x-real-ip': `198.51.100.${index}`,
        'client-ip': `198.51.100.${index}`,
        forwarded: `for=198.51.100.${index}`,
      }));
      return loot && `${loot}from one address that called itself ${GUESSES}`;
    },
  },
  {
    id: 'flood-ipv6',
    title: 'Guess from the many addresses of one IPv6 subscriber',
    run: async (target) => {
      const network = `2001:db8:${group()}:${group()}`;
      const addresses = times(GUESSES, (index) => `${network}::${index + 1}`);
      const loot = await guess(from(target, addresses), none);
      return loot && `${loot}from one subscriber’s network`;
    },
  },
  {
    id: 'flood-one-user',
    title: 'Write as one user from 140 addresses',
    run: async (target) => {
      const { accessToken } = await target.person('eve');
      const clients = times(140, () => target.stranger('eve').withToken(accessToken));
      const answers = await createMany(clients);
      const created = answers.filter(({ status }) => status === 201).length;
      return created >= 135 ? 'more than 120 rows of one user’s within a minute' : null;
    },
  },
];

export const attacks: Attack[] = [...pages, ...sizes, ...depths, ...floods];
