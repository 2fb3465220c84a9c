import { jobsOf, linkOf } from './jobs.js';
import type { TestDatabase } from './test-database.js';
import { until } from './waiting.js';

type Queue = Pick<TestDatabase, 'query'>;

/**
 * The secret of the newest link to this address, as it waits in the queue of mails: where no mail server
 * answers, it stays there.
 */
export async function findMailedToken(queue: Queue, email: string): Promise<string | undefined> {
  const links = (await jobsOf(queue, email)).map(linkOf).filter((link) => link !== undefined);
  return links.at(-1)?.split('#')[1];
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
