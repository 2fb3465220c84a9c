import pg from 'pg';
import {
  adaAndEve,
  holdsSecret,
  SECRET,
  share,
  type Page,
  type Resource,
} from '../03-broken-object-level-authorization/cast.js';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import {
  forgotten,
  newestBehindCount,
  newestOfAll,
  newestUnsaid,
  userRouteAcrossOwners,
} from './careless.js';

const GRAFFITI = 'eve was here';
const INSUFFICIENT_PRIVILEGE = '42501';

const ownersIn = ({ items = [] }: Page<Resource>) => items.map(({ ownerId }) => ownerId);

async function listOf(who: Pick<Person, 'client'>, path = '/v1/resources') {
  return ownersIn((await who.client.get<Page<Resource>>(path)).body);
}

/** To somebody without a token. */
const isShownAsNew = async (target: Target, { id }: Person) =>
  (await listOf({ client: target.stranger() }, '/v1/resources/newest')).includes(id);

async function scribble(target: Target, permission?: 'read'): Promise<boolean> {
  const { ada, eve, path } = await adaAndEve(target);
  if (permission) await share(target, ada, path, [eve, permission]);
  await eve.client.patch(path, { content: GRAFFITI }, { 'if-match': '"1"' });
  const { body } = await ada.client.get<Resource>(path);
  return body.content === GRAFFITI;
}

async function listSessions(target: Target): Promise<string | null> {
  await target.person('ada');
  const eve = await target.person('eve');
  const { body } = await eve.client.get<Page<unknown>>('/v1/users/me/sessions');
  return (body.items?.length ?? 0) > 1 ? 'the sessions of everybody' : null;
}

/** SQL of the attacker's on a connection of her own, told in the trace. */
async function run(target: Target, url: string, statements: string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const text of statements.slice(0, -1)) await client.query(text);
    const text = statements.at(-1) ?? '';
    const { rows, rowCount } = await client.query<Record<string, unknown>>(text);
    target.trace.push({ who: 'eve', method: 'SQL', path: text, status: rowCount ?? 0, got: rows });
    return rows;
  } catch (error) {
    if ((error as pg.DatabaseError).code !== INSUFFICIENT_PRIVILEGE) throw error;
    return [];
  } finally {
    await client.end();
  }
}

export const attacks: Attack[] = [
  {
    id: 'rls-read',
    title: 'Read another’s resource where the reader is missing in the WHERE',
    scenario: { edits: forgotten.read },
    run: async (target) => {
      const { eve, path } = await adaAndEve(target);
      return holdsSecret(await eve.client.get(path)) ? 'the content of Ada’s resource' : null;
    },
  },
  {
    id: 'rls-list',
    title: 'Find everybody’s resources where the owner is missing in the list',
    scenario: { edits: forgotten.list },
    run: async (target) => {
      const { ada, eve } = await adaAndEve(target);
      return (await listOf(eve)).includes(ada.id) ? 'Ada’s resources in Eve’s list' : null;
    },
  },
  {
    id: 'rls-change',
    title: 'Change another’s resource where the writer is missing in the UPDATE',
    scenario: { edits: forgotten.change },
    run: async (target) => ((await scribble(target)) ? 'Eve’s words in Ada’s resource' : null),
  },
  {
    id: 'rls-change-as-reader',
    title: 'Write what one may read where the writer is missing in the UPDATE',
    scenario: { edits: forgotten.change },
    run: async (target) =>
      (await scribble(target, 'read')) ? 'a reader’s words in Ada’s resource' : null,
  },
  {
    id: 'rls-delete',
    title: 'Delete another’s resource where the owner is missing in the DELETE',
    scenario: { edits: forgotten.remove },
    run: async (target) => {
      const { ada, eve, path } = await adaAndEve(target);
      await eve.client.delete(path);
      const { status } = await ada.client.get(path);
      return status === 404 ? 'Ada’s resource, destroyed' : null;
    },
  },
  {
    id: 'rls-sessions',
    title: 'See where others are signed in where the person is missing in the list of sessions',
    scenario: { edits: forgotten.sessions },
    run: listSessions,
  },
  {
    id: 'rls-nobody',
    title: 'Ask without a token where a public route shows what is new',
    scenario: { edits: newestOfAll },
    run: async (target) => {
      const { ada } = await adaAndEve(target);
      return (await isShownAsNew(target, ada)) ? 'Ada’s resources, for the whole world' : null;
    },
  },
  {
    id: 'rls-leftover',
    title: 'Come after somebody on the same connection',
    scenario: { edits: newestUnsaid },
    run: async (target) => {
      const { ada, path } = await adaAndEve(target);
      await ada.client.get(path);
      return (await isShownAsNew(target, ada)) ? 'what Ada’s request had left open' : null;
    },
  },
  {
    id: 'rls-behind-system',
    title: 'Ask where a statement stands behind one that acted across owners',
    scenario: { edits: newestBehindCount },
    run: async (target) => {
      const { ada } = await adaAndEve(target);
      return (await isShownAsNew(target, ada)) ? 'what was left open for a count' : null;
    },
  },
  {
    id: 'rls-across-owners',
    title: 'Call a route of users that acts across owners',
    scenario: { edits: userRouteAcrossOwners, refusal: /is for users and has @AcrossOwners\(\)/ },
    run: async (target) => {
      const { ada, eve } = await adaAndEve(target);
      return (await listOf(eve)).includes(ada.id) ? 'Ada’s resources in Eve’s list' : null;
    },
  },
  {
    id: 'rls-unprotected-table',
    title: 'Find the table that a migration forgot to protect',
    scenario: {
      sql: 'ALTER TABLE sessions DISABLE ROW LEVEL SECURITY',
      edits: forgotten.sessions,
      refusal: /without row-level security/,
    },
    run: listSessions,
  },
  {
    id: 'rls-open-policy',
    title: 'Find the table with a policy that was to be for a day',
    scenario: {
      sql: 'CREATE POLICY for_now ON sessions USING (true)',
      edits: forgotten.sessions,
      refusal: /by the policy for_now ON sessions/,
    },
    run: listSessions,
  },
  {
    id: 'rls-take-over',
    title: 'Make one’s own what one may only write',
    needsLab: true,
    run: async (target) => {
      const { ada, eve, id, path } = await adaAndEve(target);
      await share(target, ada, path, [eve, 'write']);
      const taken = await run(target, target.lab.database.urls.app, [
        `SET bulwark.actor = '${eve.id}'`,
        `UPDATE resources SET owner_id = '${eve.id}' WHERE id = '${id}' RETURNING 'mine' AS now`,
      ]);
      return taken.length > 0 ? 'Ada’s resource, which is Eve’s now' : null;
    },
  },
  {
    id: 'rls-owner-tool',
    title: 'Read along with a tool that runs as the owner of the tables',
    needsLab: true,
    run: async (target) => {
      await target.resource(await target.person('ada'), SECRET);
      const rows = await run(target, target.lab.database.urls.owner, [
        'SELECT title FROM resources ORDER BY created_at DESC LIMIT 1',
      ]);
      return rows.length > 0 ? 'everybody’s titles in a report that asked for nobody’s' : null;
    },
  },
];
