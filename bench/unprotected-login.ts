import { withClient } from '../src/database/provision.js';
import { SERVER_VARIABLE, type TestServer } from '../test/support/test-server.js';

const NAME = 'bulwark_bench_unprotected';

/** A login that no policy holds: for the bare server, and for what PostgreSQL itself does for policies. */
export async function makeUnprotectedLogin(databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl);
  const app = url.username;
  url.username = NAME;
  const { adminUrl } = JSON.parse(process.env[SERVER_VARIABLE] ?? '{}') as TestServer;
  await withClient(adminUrl, async (admin) => {
    await admin.query(`CREATE ROLE ${NAME} LOGIN BYPASSRLS PASSWORD '${url.password}'`);
    await admin.query(`GRANT ${app} TO ${NAME}`);
  });
  return url.href;
}
