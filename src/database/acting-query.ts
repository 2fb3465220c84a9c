import pg from 'pg';
import { NOBODY } from './acting.js';

/** Prepared once a connection. `true`: until the transaction ends, and not a statement longer. */
export const SET_ACTOR = {
  name: 'set_actor',
  text: `SELECT set_config('bulwark.actor', $1, true)`,
};

/** What pg's own query does with the connection; its types leave that out. */
interface Wire {
  bind: (portal: { statement: string; values: unknown[] }) => void;
  execute: (portal: object) => void;
}
interface Statement {
  prepare(wire: Wire): void;
  handleDataRow(row: unknown): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
}
const Statement = pg.Query as unknown as new (config: pg.QueryConfig) => Statement & pg.Submittable;

/**
 * A statement, and before it on whose behalf it runs: two executions that leave in one packet, with one
 * Sync behind them, and so are one transaction and one round trip (PostgreSQL, "Message Flow", pipelining).
 */
export class ActingQuery extends Statement {
  private isSet = false;

  constructor(
    statement: pg.QueryConfig,
    private readonly actor: string,
  ) {
    super(statement);
  }

  override prepare(wire: Wire): void {
    wire.bind({ statement: SET_ACTOR.name, values: [this.actor] });
    wire.execute({});
    super.prepare(wire);
  }

  /** The first row and the first end are those of `set_actor`. */
  override handleDataRow(row: unknown): void {
    if (this.isSet) super.handleDataRow(row);
  }

  override handleCommandComplete(message: unknown, wire: Wire): void {
    if (this.isSet) super.handleCommandComplete(message, wire);
    this.isSet = true;
  }
}

/** PostgreSQL prepares one statement at a time: several go as they are, and the first says nobody's name. */
export const severalForNobody = (statements: string): ActingQuery =>
  new ActingQuery({ text: `SET LOCAL bulwark.actor = ''; ${statements}` }, NOBODY);
