import { nameAt } from './lockfile.js';
import type { Policy } from './policy.js';
import type { Fault, LockEntry, Project } from './project.js';

/** What lies in node_modules is what was agreed on: also what an install script fetched by itself. */
export function installedFaults({ lock, installed }: Project, policy: Policy): Fault[] {
  const agreed = new Set(Object.entries(lock.packages).map(([path, entry]) => known(path, entry)));
  return Object.entries(installed).flatMap(([note, { packages }]) =>
    Object.entries(packages)
      .filter(([path, entry]) => !agreed.has(known(path, entry)) && !isPinned(path, entry, policy))
      .map(([path, entry]) => ({
        what: `${note} has ${nameAt(path)}@${entry.version} (${entry.integrity}), which nobody agreed on`,
        cure: 'run `npm ci`; if a script fetched it, compare its integrity and pin it in the policy',
      })),
  );
}

const known = (path: string, { name, version, integrity }: LockEntry) =>
  `${name ?? nameAt(path)}@${version} ${integrity}`;

function isPinned(path: string, { version, integrity }: LockEntry, policy: Policy): boolean {
  const pin = policy.fetchedByScripts[`${nameAt(path)}@${version}`];
  return pin === null || (pin !== undefined && pin === integrity);
}
