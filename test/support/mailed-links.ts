import type { TestDatabase } from './test-database.js';
import { until } from './waiting.js';

type Queue = Pick<TestDatabase, 'query'>;

/**
 * The secret of the newest link to this address, as it waits in the queue of mails: where no mail server
 * answers, it stays there.
 */
export async function findMailedToken({ query }: Queue, email: string) {
  const rows = await query<{ link: string }>(
    `SELECT data->'values'->>'link' AS link FROM pgboss.job
     WHERE name = 'mail' AND data->>'to' = $1 AND data->'values' ? 'link'
     ORDER BY created_on DESC LIMIT 1`,
    [email],
  );
  return rows[0]?.link.split('#')[1];
}

/** The same, of a mail that is to come. */
export async function mailedToken(queue: Queue, email: string): Promise<string> {
  let token: string | undefined;
  await until(async () => {
    token = await findMailedToken(queue, email);
    return token !== undefined;
  }, `a link to ${email}`);
  return token ?? '';
}
