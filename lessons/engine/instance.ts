import { withClient } from '../../src/database/provision.js';
import { testEnvironment } from '../../test/support/test-app.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/test-database.js';
import { Host, ROOT } from './host.js';
import type { Change, Edit } from './lesson.js';

/** A running app with a database of its own, changed as it was loaded. */
export interface Instance {
  url: string;
  database: TestDatabase;
  changes: Change[];
  /** What it has logged so far, one JSON line each. */
  log: () => string;
  stop: () => Promise<void>;
}

/** Starts the app with changes. Throws RefusedToStart, and when an edit was not applied. */
export async function startInstance(changes: Change[], root = ROOT): Promise<Instance> {
  const database = await createTestDatabase();
  const host = Host.take(root);
  const stop = async () => {
    await host.stop();
    await database.drop();
  };
  try {
    for (const { sql } of changes) {
      if (sql) await withClient(database.urls.owner, (owner) => owner.query(sql));
    }
    const edits = changes.flatMap((change) => change.edits ?? []);
    const { url, changed } = await host.start({
      PATH: process.env['PATH'],
      ...testEnvironment(database.urls.app),
      LOG_LEVEL: 'info',
      ...Object.assign({}, ...changes.map((change) => change.env ?? {})),
      LESSON_EDITS: JSON.stringify(edits),
    });
    mustBeChanged(edits, changed);
    return { url, database, changes, log: () => host.out, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An edit in a file that nobody loads would prove nothing. */
function mustBeChanged(edits: Edit[], changed: string[]): void {
  const missing = edits.filter(({ file }) => !changed.includes(file));
  if (missing.length === 0) return;
  throw new Error(
    `not applied, the file was not loaded: ${missing.map(({ file }) => file).join()}`,
  );
}
