import pg from 'pg';

/** A bound on what one connection makes the server remember; later statements run unprepared. */
const MAX_STATEMENTS = 500;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known || names.size >= MAX_STATEMENTS) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

/** Names every statement that binds values, so that PostgreSQL parses and plans it once a connection. */
export class PreparedClient extends pg.Client {
  // `query` has a dozen overloads; TypeORM uses (text, values) and pg-pool passes the rest through.
  override query = (...args: unknown[]): never => {
    const [text, values, ...rest] = args;
    const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
    const query = super.query as unknown as (...args: unknown[]) => never;
    return name ? query.call(this, { name, text, values }, ...rest) : query.apply(this, args);
  };
}
