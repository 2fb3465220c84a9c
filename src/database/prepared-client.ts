import pg from 'pg';
import { ActingQuery, SET_ACTOR } from './acting-query.js';
import { currentActor, NOBODY } from './acting.js';

/** A bound on what one connection makes the server remember; later statements run unprepared. */
const MAX_STATEMENTS = 500;
const READ_TIMEOUT = 'Query read timeout';
const names = new Map<string, string>();

type Query = (...args: unknown[]) => unknown;
type Done = (error?: Error | null, result?: unknown) => void;

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known || names.size >= MAX_STATEMENTS) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

const actingQuery = (text: string, values: unknown[]) =>
  new ActingQuery({ text, values, name: nameOf(text) }, currentActor());

/** What pg answers itself for a text, and leaves to its caller for a query of one's own. */
const answerTo = (send: Query, query: ActingQuery) =>
  new Promise((resolve, reject) => {
    send(query, (error: Error | null, result: unknown) =>
      error ? reject(error) : resolve(result),
    );
  });

/**
 * Says before every statement that binds values on whose behalf it runs, and names it, so that PostgreSQL
 * parses it once a connection. What binds none (BEGIN, COMMIT) says nothing and reaches nobody's rows. Cuts
 * a connection whose answer did not come: the pool would hand it out again, to be waited for as long.
 */
export class PreparedClient extends pg.Client {
  // `connect` and `query` have a dozen overloads; the pool and TypeORM use these forms.
  override connect = ((done: Done) =>
    super.connect((error: Error | null) => {
      if (error) return done(error);
      return super.query({ ...SET_ACTOR, values: [NOBODY] }, done);
    })) as pg.Client['connect'];

  override query = ((...args: unknown[]) => {
    const [text, values, done] = args;
    const binds = typeof text === 'string' && Array.isArray(values);
    const send = super.query.bind(this) as Query;
    if (binds && done) return send(actingQuery(text, values), done);
    const result = binds ? answerTo(send, actingQuery(text, values)) : send(...args);
    if (result instanceof Promise) result.catch((error: Error) => this.cutIfSilent(error));
    return result;
  }) as pg.Client['query'];

  private cutIfSilent(error: Error): void {
    if (error.message !== READ_TIMEOUT) return;
    const { stream } = (
      this as unknown as { connection: { stream: NodeJS.WritableStream & { destroy(): void } } }
    ).connection;
    stream.destroy();
  }
}
