import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createPassword, startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { withClient } from '../../src/database/provision.js';
import type { Authority } from './certificates.js';

type Pem = Awaited<ReturnType<Authority['issue']>>;

/** A PostgreSQL of a test's own that speaks TLS, with whatever certificate the test wants. */
export class TlsPostgres {
  readonly password = createPassword();
  readonly appPassword = createPassword();
  private stopServer = async () => {};
  private port = 0;

  private constructor(private readonly folder: string) {}

  static async start(pair: Pem): Promise<TlsPostgres> {
    const server = new TlsPostgres(mkdtempSync(join(tmpdir(), 'bulwark-tls-db-')));
    await server.start(pair);
    return server;
  }

  /** From the next connection on. */
  async present(pair: Pem): Promise<void> {
    this.write(pair);
    await this.asAdmin('SELECT pg_reload_conf()');
  }

  urls(host: string, query: string) {
    const at = `${host}:${this.port}/bulwark${query}`;
    return {
      owner: `postgres://postgres:${this.password}@${at}`,
      app: `postgres://bulwark_tls_app:${this.appPassword}@${at}`,
    };
  }

  /** Without TLS, on this machine: what a test asserts on. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    return withClient(this.urls('127.0.0.1', '').owner, async (client) => {
      const { rows } = await client.query<Row>(text, values);
      return rows;
    });
  }

  async stop(): Promise<void> {
    await this.stopServer();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async start(pair: Pem): Promise<void> {
    chmodSync(this.folder, 0o755);
    this.write(pair);
    const { port, stop } = await startEmbeddedPostgres({
      dataDir: join(this.folder, 'data'),
      superuserPassword: this.password,
      settings: { fsync: 'off' },
    });
    Object.assign(this, { port, stopServer: stop });
    // The user that it runs as is known now, and must own the key.
    const { uid, gid } = statSync(join(this.folder, 'data'));
    chownSync(this.path('key'), uid, gid);
    for (const [name, value] of [
      ['ssl_cert_file', this.path('cert')],
      ['ssl_key_file', this.path('key')],
      ['ssl', 'on'],
    ])
      await this.asAdmin(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.asAdmin('SELECT pg_reload_conf()');
    await this.asAdmin('CREATE DATABASE bulwark');
  }

  private write({ cert, key }: Pem): void {
    writeFileSync(this.path('cert'), cert);
    writeFileSync(this.path('key'), key, { mode: 0o600 });
  }

  private path = (name: string) => join(this.folder, `${name}.pem`);

  private asAdmin(text: string): Promise<unknown> {
    const url = `postgres://postgres:${this.password}@127.0.0.1:${this.port}/postgres`;
    return withClient(url, (client) => client.query(text));
  }
}
