import { randomUUID } from 'node:crypto';
import type { Environment } from '../../src/config/environment.js';
import { Authority, TlsFolder } from '../../test/support/certificates.js';
import type { Change } from '../engine/lesson.js';
import { inProduction } from '../24-secrets-at-start/deployment.js';

/** The deployment as a scenario: the app gets its environment by way of `call`. */
export const deployedWith = (call: string): Change => ({
  edits: [
    {
      file: 'src/main.ts',
      find: 'const config = new Config(env);',
      replace: [
        "const lab = await import('../lessons/29-in-transit/deployment.js');",
        `    const config = new Config(${call});`,
      ].join('\n'),
    },
  ],
});

/** TLS ends in the app itself; the log says whom to trust, as an operator would tell it. */
export async function withTls(env: Environment, rsaBits?: number): Promise<Environment> {
  // OpenSSL would take one of the same name, of another instance, for it.
  const authority = await Authority.create(`Authority ${randomUUID()}`);
  const folder = new TlsFolder();
  folder.write(await authority.issue(rsaBits ? { rsaBits } : {}));
  process.once('exit', () => folder.remove());
  const pem = Buffer.from(authority.pem).toString('base64');
  process.stdout.write(`authority of the lab: ${pem}\n`);
  return { ...env, ...folder.env, PUBLIC_URL: 'https://localhost', HTTP_PORT: '0' };
}

/** Reached from everywhere, and nobody has said where TLS ends. */
export const openToTheNet = (env: Environment) =>
  inProduction(env, { HOST: '0.0.0.0', TRUSTED_PROXY_HOPS: '0' });

/** The database is on another machine, and somebody answers for it. */
export { behindImpostor } from './impostor.js';
