/** Whatever runs a statement and answers rows: the pool, a transaction, a test's connection. */
export interface Queryable {
  query<Rows>(text: string, values?: unknown[]): Promise<Rows>;
}
