// npm run generate: writes what follows from the code. With --check it writes nothing and fails when
// a file is stale.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { AppModule } from '../src/app.module.js';
import { openApiOf } from '../src/app.setup.js';
import { Config } from '../src/config/config.js';
import { createDevelopmentSecrets } from '../src/config/secrets.js';
import { VARIABLES, type Variable } from '../src/config/variables.js';
import { API_PREFIX, UNVERSIONED_PATHS } from '../src/http/declared-routes.js';
import {
  declaredColumns,
  sealedTables,
  type DeclaredColumn,
} from '../src/crypto/protection.decorators.js';
import { PROBLEMS } from '../src/http/problem.js';
import { asvsLedger, attackLedger, countStates } from '../test/support/ledgers.js';

const ROOT = join(import.meta.dirname, '..');
const variables = Object.entries<Variable<unknown>>(VARIABLES);

const FILES: Record<string, () => string | Promise<string>> = {
  'openapi.json': openApi,
  '.env.example': envExample,
  'docs/problems.md': problems,
  'docs/data.md': columns,
  'README.md': () =>
    between(
      between(read('README.md'), 'configuration', configurationTable()),
      'ledgers',
      ledgerTables(),
    ),
};

async function main(): Promise<void> {
  const check = process.argv.includes('--check');
  const stale: string[] = [];
  if (check) process.stdout.write(`\n${ledgerTables()}\n`);
  for (const [file, make] of Object.entries(FILES)) {
    const content = await formatted(file, await make());
    if (content === read(file)) continue;
    stale.push(file);
    if (!check) writeFileSync(join(ROOT, file), content);
  }
  if (stale.length === 0) return;
  process.stdout.write(
    check
      ? `Stale: ${stale.join(', ')}. Run \`npm run generate\` and commit what it writes.\n`
      : `Written: ${stale.join(', ')}\n`,
  );
  if (check) process.exitCode = 1;
}

/** A preview of the app has all routes and makes no instance, so it needs no database. */
async function openApi(): Promise<string> {
  const env = { ...createDevelopmentSecrets(), DATABASE_URL: 'postgres://localhost/none' };
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(new Config(env)),
    new FastifyAdapter(),
    { preview: true, abortOnError: false, logger: ['error'] },
  );
  app.setGlobalPrefix(API_PREFIX, { exclude: UNVERSIONED_PATHS });
  return JSON.stringify(openApiOf(app));
}

function envExample(): string {
  const entries = variables.map(([name, { about, example, secret }]) => {
    const notes = secret ? [`# ${about}`, `# Or ${name}_FILE=/path/to/a/file`] : [`# ${about}`];
    return [...notes, `#${name}=${example}`].join('\n');
  });
  const head =
    '# Every variable of Bulwark. Made by `npm run generate`; do not edit.\n' +
    '# Development needs none of them. Use: node --env-file=.env dist/main.js\n' +
    "# Of Node's own, production refuses NODE_TLS_REJECT_UNAUTHORIZED=0, and NODE_OPTIONS that weaken TLS.";
  return `${[head, ...entries].join('\n\n')}\n`;
}

function configurationTable(): string {
  const rows = variables.map(([name, { about, fallback, secret }]) => [
    secret ? `\`${name}\` or \`${name}_FILE\`` : `\`${name}\``,
    fallback ? `\`${fallback}\`` : '',
    about,
  ]);
  return table(['Variable', 'Default', 'About'], rows);
}

/** How far the yardsticks are met: their rows by state, counted from the ledgers. */
function ledgerTables(): string {
  const asvs = countStates(asvsLedger(), ({ level }: { level: string }) => level);
  const attacks = countStates(attackLedger(), () => 'all');
  return [
    tableOfStates('ASVS 5.0', asvs, ['proven', 'deployment', 'not applicable', 'open']),
    tableOfStates('Attacks', attacks, ['refused', 'not applicable', 'later']),
  ].join('\n\n');
}

function tableOfStates(
  title: string,
  counts: Map<string, Map<string, number>>,
  states: string[],
): string {
  const rows = [...counts.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, ofState]) => [group, ...states.map((state) => `${ofState.get(state) ?? 0}`)]);
  return table([title, ...states], rows);
}

function problems(): string {
  const rows = Object.entries(PROBLEMS).map(([code, [status, sentence]]) => [
    `\`${code}\``,
    `${status}`,
    sentence,
  ]);
  const head =
    '# Problem codes\n\nEvery error is an `application/problem+json` (RFC 9457). Rely on `code` and ' +
    'the status; the sentences may improve. `malformed_request`, `method_not_allowed` and ' +
    '`request_timeout` are answered before there is an operation, so `openapi.json` has them nowhere. ' +
    'Made by `npm run generate`; do not edit.';
  return `${head}\n\n${table(['Code', 'Status', 'Says'], rows)}\n`;
}

/** What a copy of the database shows, by the declarations that the app proves as it starts. */
function columns(): string {
  const appsOwn = new Set(
    sealedTables().flatMap(({ table: name, owner }) => (owner === null ? name : [])),
  );
  const kept = ({ table: name, protection }: DeclaredColumn): string => {
    if (protection.kind === 'plain') return `plain: ${protection.why}`;
    const encrypted = appsOwn.has(name) ? "encrypted with the app's own key" : 'encrypted';
    return { encrypted, indexed: 'keyed hash', hashed: 'hash' }[protection.kind];
  };
  const rows = declaredColumns()
    .map((one) => [`\`${one.table}\``, `\`${one.column}\``, kept(one)])
    .toSorted((one, other) => (one.join() < other.join() ? -1 : 1));
  const head =
    '# Data, and how it is kept\n\nEvery column that could hold a text or bytes, and what a copy of the ' +
    'database shows of it. Encrypted: AES-256-GCM under a key of its owner ' +
    '([0015](decisions/0015-field-encryption.md)); a keyed hash finds a row by a value that nobody without ' +
    'the key can guess; of a hash nothing comes back. The rest are ids, numbers, times and yes or no. The ' +
    'app does not start while a column is not declared, or is not as declared. Made by `npm run generate`; ' +
    'do not edit.';
  return `${head}\n\n${table(['Table', 'Column', 'Kept'], rows)}\n`;
}

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** Replaces what stands between the two markers of `name`. */
function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [before, rest] = text.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`README.md has lost its marker ${start} or ${end}`);
  return `${before}${start}\n\n${content}\n\n${end}${after}`;
}

async function formatted(file: string, content: string): Promise<string> {
  if (!/\.(json|md)$/.test(file)) return content;
  const path = join(ROOT, file);
  return format(content, { ...(await resolveConfig(path)), filepath: path });
}

function read(file: string): string {
  const path = join(ROOT, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

await main();
