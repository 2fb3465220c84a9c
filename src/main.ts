import type { FastifyBaseLogger } from 'fastify';
import 'reflect-metadata';
import { createApp } from './app.setup.js';
import { Config } from './config/config.js';
import { ConfigError } from './config/environment.js';
import { UnprotectedColumnError } from './crypto/column-proof.js';
import { isUnverifiedServer } from './database/database-errors.js';
import { completeEnvironment } from './database/development.js';
import { MigrationFileError } from './database/migrations.js';
import { InsecureRouteError } from './http/route-proof.js';
import { listen } from './listeners.js';

/** In-flight requests, the pool and the database get this long to end; then the process does. */
const SHUTDOWN_MS = 10_000;

async function main(): Promise<void> {
  const stopSignal = nextStopSignal();
  const { env, stop } = await completeEnvironment(process.env);
  try {
    const config = new Config(env);
    const app = await createApp(config);
    const fault = nextUncaughtError(app.getHttpAdapter().getInstance().log);
    await listen(app, config);
    if (!config.production) greet(await app.getUrl());
    await Promise.race([stopSignal, fault]);
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref();
    await app.close();
  } finally {
    await stop();
  }
}

/** Heard from the first moment: a stop while starting must not leave the database behind. */
function nextStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
}

/**
 * What nobody caught leaves the process in a state that nobody knows: the log says why, and it ends
 * in order, with 1 (ASVS 16.5.4).
 */
function nextUncaughtError(log: FastifyBaseLogger): Promise<void> {
  return new Promise((resolve) => {
    const end = (error: unknown) => {
      // Without values: the log describes errors itself. It leaves out what is undefined.
      log.fatal({ err: error ?? null }, 'an error that nobody caught');
      process.exitCode = 1;
      resolve();
    };
    process.on('uncaughtException', end);
    // Node would put the reason, whatever it holds, into the message of an exception.
    process.on('unhandledRejection', end);
  });
}

function greet(url: string): void {
  process.stdout.write(
    [
      '',
      `  Bulwark listens on       ${url}`,
      `  The documentation is at  ${url}/docs`,
      '  Make an administrator:   npm run admin:create -- you@example.com',
      '  Stop with Ctrl-C; the data stays in .data/',
      '',
      '',
    ].join('\n'),
  );
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    // A fault of the operator's is told in words; a stack trace would only hide them.
    const { message, stack, code } = error as Error & { code?: string };
    const known = [
      ConfigError,
      InsecureRouteError,
      MigrationFileError,
      UnprotectedColumnError,
    ].some((kind) => error instanceof kind);
    process.stderr.write(`${adviceFor(error as Error, code) ?? (known ? message : stack)}\n`);
    process.exit(1);
  },
);

function adviceFor(error: Error, code: string | undefined): string | undefined {
  const { message } = error;
  if (code === 'EADDRINUSE') return `${message}: set PORT to another one, and PUBLIC_URL with it`;
  if (isUnverifiedServer(error))
    return `The server of DATABASE_URL cannot be verified: ${message}. Is its authority the one of sslrootcert, and the name the one in its certificate?`;
  return undefined;
}
