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

/** TypeORM's own, whole: they reach no rows, and the last must stand before whatever else there is. */
const CONTROL =
  /^(START TRANSACTION|COMMIT|ROLLBACK|((RELEASE |ROLLBACK TO )?SAVEPOINT typeorm_\d+)|(SET TRANSACTION ISOLATION LEVEL [A-Z ]+))$/;

function queryOf(statement: unknown, values: unknown): ActingQuery | string {
  if (statement instanceof ActingQuery) return statement;
  // pg would run it as it is, on behalf of whoever the transaction was last for.
  if (typeof statement !== 'string')
    throw new Error('A statement is a text, and its values stand beside it');
  if (CONTROL.test(statement)) return statement;
  const bound = Array.isArray(values) ? values : [];
  const named = { text: statement, values: bound, name: nameOf(statement) };
  return new ActingQuery(named, currentActor());
}

/** What pg answers itself for a text, and leaves to its caller for a query of one's own. */
const answerTo = (send: Query, query: ActingQuery | string) =>
  new Promise((resolve, reject) => {
    send(query, (error: Error | null, result: unknown) =>
      error ? reject(error) : resolve(result),
    );
  });

/**
 * Says before every statement on whose behalf it runs, and names it, so that PostgreSQL parses it once a
 * connection, and takes no second one behind it. Cuts a connection whose answer did not come: the pool
 * would hand it out again, to be waited for as long.
 */
export class PreparedClient extends pg.Client {
  // `connect` and `query` have a dozen overloads; the pool and TypeORM use these forms.
  override connect = ((done: Done) =>
    super.connect((error: Error | null) => {
      if (error) return done(error);
      // The pool listens once this has answered: cut before, it would be the end of the process.
      const cut = () => {};
      this.on('error', cut);
      return super.query({ ...SET_ACTOR, values: [NOBODY] }, (failed) => {
        if (!failed) this.off('error', cut);
        done(failed);
      });
    })) as pg.Client['connect'];

  override query = ((statement: unknown, ...rest: unknown[]) => {
    const query = queryOf(statement, rest[0]);
    const send = super.query.bind(this) as Query;
    const done = rest.find((argument) => typeof argument === 'function');
    if (done) return send(query, done);
    const result = answerTo(send, query);
    result.catch((error: Error) => this.cutIfSilent(error));
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
