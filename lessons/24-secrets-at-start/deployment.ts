import type { Environment } from '../../src/config/environment.js';
import { createAppSecret, createSigningJwk } from '../../src/config/secrets.js';
import { testEnvironment } from '../../test/support/test-app.js';
import type { Change } from '../engine/lesson.js';

export const PUBLIC_URL = 'https://api.example.com';

/** 32 characters, but 24 bytes. */
export const SHORT = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef';
/** "secret", again and again. */
export const REPEATED = 'c2VjcmV0'.repeat(6);

/** What the developer's machine made for itself: whoever has seen its disk knows it. */
export const { APP_SECRET: DEVELOPERS_SECRET = '', SIGNING_KEYS: DEVELOPERS_KEYS = '' } =
  testEnvironment('');

/** A production environment that is right but for `mistakes`. */
export const inProduction = (env: Environment, mistakes: Environment): Environment => ({
  ...env,
  NODE_ENV: 'production',
  PUBLIC_URL,
  MAIL_FROM: 'no-reply@example.com',
  APP_SECRET: createAppSecret(),
  SIGNING_KEYS: JSON.stringify({ keys: [createSigningJwk()] }),
  ...mistakes,
});

/** The deployment as a scenario: the app gets its environment by way of `call`. */
export const deployedWith = (call: string): Change => ({
  edits: [
    {
      file: 'src/main.ts',
      find: 'const config = new Config(env);',
      replace: [
        "const lab = await import('../lessons/24-secrets-at-start/deployment.js');",
        `    const config = new Config(${call});`,
      ].join('\n'),
    },
  ],
});

/** The database is on another machine, and somebody listens on the way to it. */
export { throughTap } from './wire-tap.js';
