import { randomUUID } from 'node:crypto';
import { Client } from '../../test/support/client.js';
import type { Attack } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';

interface Told {
  title?: string;
}

/** The signature of a token with another first letter. */
function withOtherSignature(token: string): string {
  const start = token.lastIndexOf('.') + 1;
  const other = token[start] === 'A' ? 'B' : 'A';
  return token.slice(0, start) + other + token.slice(start + 1);
}

function withOtherKey(token: string): string {
  const header = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'the-key-of-eve' });
  return Buffer.from(header).toString('base64url') + token.slice(token.indexOf('.'));
}

/** A 500 is what this attack is about, so it speaks through a client that does not stop at one. */
async function readThroughCrash(target: Target): Promise<string> {
  const { client, accessToken } = await target.person('eve');
  const path = `/v1/resources/${randomUUID()}`;
  const answer = await new Client(target.url, client.ip, accessToken).get(path);
  target.trace.push({ who: 'eve', method: 'GET', path, status: answer.status, got: answer.body });
  return answer.text;
}

export const attacks: Attack[] = [
  {
    id: 'error-constraint',
    title: 'Learn the names of tables and constraints from a refusal',
    run: async (target) => {
      const eve = await target.person('eve');
      const { id } = await target.resource(eve);
      const path = `/v1/resources/${id}/shares/${randomUUID()}`;
      const { text } = await eve.client.put(path, { permission: 'read' });
      return text.includes('resource_shares_user_id_fkey')
        ? 'the names of a table and of its foreign key'
        : null;
    },
  },
  {
    id: 'error-token-reason',
    title: 'Ask which of your forgery’s parts was noticed',
    run: async (target) => {
      const { accessToken } = await target.person('eve');
      const ask = (token: string) =>
        target.stranger('eve').withToken(token).get<Told>('/v1/users/me');
      const signature = await ask(withOtherSignature(accessToken));
      const key = await ask(withOtherKey(accessToken));
      const refused = signature.status === 401 && key.status === 401;
      return !refused || signature.body.title === key.body.title
        ? null
        : 'which check a forged token got past, and which not';
    },
  },
  {
    id: 'error-parser-echo',
    title: 'Find in the answer what a broken body held',
    run: async (target) => {
      const body = '{"password":plum77}';
      const { text } = await target.stranger('ada').post('/v1/auth/login', body);
      return text.includes('plum77') ? 'the password, in an answer that proxies may log' : null;
    },
  },
  {
    id: 'error-crash',
    title: 'Read a column’s name in the answer of a release that met the wrong schema',
    scenario: { sql: 'ALTER TABLE resources RENAME COLUMN updated_at TO changed_at' },
    run: async (target) => {
      const text = await readThroughCrash(target);
      return text.includes('resources.updated_at')
        ? 'the names of a table and of its column'
        : null;
    },
  },
];
