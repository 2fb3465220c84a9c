import pg from 'pg';

/** A bound on what one connection makes the server remember; later statements run unprepared. */
const MAX_STATEMENTS = 500;
const READ_TIMEOUT = 'Query read timeout';
const names = new Map<string, string>();

type Query = (...args: unknown[]) => unknown;

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known || names.size >= MAX_STATEMENTS) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

/**
 * Names every statement that binds values, so that PostgreSQL parses it once a connection. Cuts a
 * connection whose answer did not come: the pool would hand it out again, to be waited for as long.
 */
export class PreparedClient extends pg.Client {
  // `query` has a dozen overloads; TypeORM uses (text, values) and pg-pool passes the rest through.
  override query = ((...args: unknown[]) => {
    const [text, values, ...rest] = args;
    const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
    const send = super.query.bind(this) as Query;
    const result = name ? send({ name, text, values }, ...rest) : send(...args);
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
