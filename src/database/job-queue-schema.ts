import { PgBoss } from 'pg-boss';
import type { DataSource } from 'typeorm';

export const JOB_SCHEMA = 'pgboss';

/** Every queue there is: the app may put jobs into these, and can make no other. */
export const QUEUES = ['mail', 'recovery', 'sign-up', 'export'] as const;
export type QueueName = (typeof QUEUES)[number];

/** Jobs come and go as rows; queues and the version are there to be read, and stamped by maintenance. */
const RIGHTS = `
  REVOKE ALL ON ALL ROUTINES IN SCHEMA pgboss FROM PUBLIC;
  GRANT USAGE ON SCHEMA pgboss TO bulwark_app;
  GRANT EXECUTE ON FUNCTION pgboss.job_now() TO bulwark_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON pgboss.job, pgboss.job_common TO bulwark_app;
  GRANT SELECT, UPDATE, DELETE ON pgboss.job_dependency, pgboss.instance TO bulwark_app;
  GRANT SELECT, UPDATE ON pgboss.queue, pgboss.version TO bulwark_app`;

/** Makes the schema of pg-boss, or brings it to the version installed here. Safe to repeat. */
export async function installJobQueue(ownerUrl: string, owner: DataSource): Promise<void> {
  const boss = new PgBoss({
    connectionString: ownerUrl,
    schema: JOB_SCHEMA,
    max: 2,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // What goes wrong also rejects the call under way.
  boss.on('error', () => {});
  try {
    await boss.start();
    for (const name of QUEUES) await boss.createQueue(name);
  } finally {
    await boss.stop();
  }
  await owner.query(RIGHTS);
}
