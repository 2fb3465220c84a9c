import { isDeepStrictEqual } from 'node:util';
import type { Policy } from './policy.js';
import type { Fault, LockEntry, Manifest, Project } from './project.js';

const SHA_512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
const VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;
const RANGE = /^[\^~<>=v*\d][\w.*+<>=|~^ -]*$/;
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/** The name under which the package at this path of the lockfile is imported. */
export const nameAt = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 13);

/**
 * Whoever may write to the lockfile chooses what `npm ci` runs on every machine, and nobody reads its
 * diff: so each entry is one package of the registry, under its own name, with the hash of its bytes.
 */
export function lockfileFaults({ lock, manifest }: Project, policy: Policy): Fault[] {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  return [
    ...(lock.lockfileVersion === 3
      ? []
      : [{ what: `its version is ${lock.lockfileVersion}`, cure: RENEW }]),
    ...rootFaults(lock.packages[''] ?? {}, manifest),
    ...rangeFaults(manifest),
    ...packages.flatMap(([path, entry]) => entryFaults(path, entry, policy)),
    ...staleAliases(packages, policy),
  ];
}

const RENEW = 'run `npm install` with npm 10 or newer, and commit what it writes';
const TAKE_BACK =
  'take the line back from the last commit that you trust, or install the package anew';

const RENEW_ENTRY = `${TAKE_BACK}: with our .npmrc, npm writes no address`;

function rootFaults(root: LockEntry, manifest: Manifest): Fault[] {
  return KINDS.filter((kind) => !isDeepStrictEqual(root[kind] ?? {}, manifest[kind] ?? {})).map(
    (kind) => ({ what: `its ${kind} are not those of package.json`, cure: RENEW }),
  );
}

/** A range is asked of the registry; an address, a path or a tag could become anything. */
function rangeFaults(manifest: Manifest): Fault[] {
  return KINDS.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, range]) => !RANGE.test(range))
    .map(([name, range]) => ({
      what: `${name} is asked for as ${range}`,
      cure: 'ask for a range of versions',
    }));
}

function entryFaults(path: string, entry: LockEntry, policy: Policy): Fault[] {
  const fault = (what: string, cure = TAKE_BACK) => [{ what: `${path} ${what}`, cure }];
  if (entry.link || !path.startsWith('node_modules/')) return fault('is a folder, not a package');
  const name = entry.name ?? nameAt(path);
  const alias = name !== nameAt(path) && policy.aliases[nameAt(path)] !== name;
  return [
    ...(SHA_512.test(entry.integrity ?? '') ? [] : fault('has no SHA-512 of its bytes')),
    ...(VERSION.test(entry.version ?? '') ? [] : fault(`has the version ${entry.version}`)),
    // Without one, npm asks the registry for this name and version.
    ...(entry.resolved === undefined ? [] : fault(`comes from ${entry.resolved}`, RENEW_ENTRY)),
    ...(alias
      ? fault(`is ${name} in truth`, 'name it among the aliases of the policy, or remove it')
      : []),
  ];
}

function staleAliases(packages: [path: string, entry: LockEntry][], policy: Policy): Fault[] {
  const aliases = new Set(packages.filter(([, { name }]) => name).map(([path]) => nameAt(path)));
  return Object.keys(policy.aliases)
    .filter((alias) => !aliases.has(alias))
    .map((alias) => ({
      what: `nothing is called ${alias} any more`,
      cure: 'remove it from the policy',
    }));
}
