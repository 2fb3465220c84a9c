import pg from 'pg';

export interface Statement {
  text: string;
  values: unknown[];
}

type Query = (...args: unknown[]) => unknown;

/** What every connection of this process sends from now on until `stop`: each text once, and all values. */
export function recordStatements() {
  const statements = new Map<string, Statement>();
  const bound = new Set<unknown>();
  const original = Reflect.get(pg.Client.prototype, 'query') as Query;
  const recording: Query = function (this: pg.Client, ...args) {
    const statement = statementIn(args);
    if (statement && !statements.has(statement.text)) statements.set(statement.text, statement);
    for (const value of statement?.values ?? []) bound.add(value);
    return original.apply(this, args);
  };
  pg.Client.prototype.query = recording as typeof pg.Client.prototype.query;
  return {
    statements,
    bound,
    stop: () => {
      pg.Client.prototype.query = original as typeof pg.Client.prototype.query;
    },
  };
}

/** Reads and writes of rows; no BEGIN, LISTEN or SET. */
const ROWS = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;

function statementIn([first, second]: unknown[]): Statement | undefined {
  const { text, values = [] } = (
    typeof first === 'string' ? { text: first, values: second } : first
  ) as { text: string; values?: unknown };
  return ROWS.test(text) ? { text, values: Array.isArray(values) ? values : [] } : undefined;
}
