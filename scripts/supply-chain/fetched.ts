import { nameAt } from './lockfile.js';
import type { Policy } from './policy.js';
import type { Fault, LockEntry, Project } from './project.js';

/** An install script that is allowed may fetch a package by itself: past the lockfile, so past its hashes. */
export function fetchedFaults({ lock, fetched }: Project, policy: Policy): Fault[] {
  const agreed = new Set(Object.entries(lock.packages).map(([path, entry]) => known(path, entry)));
  return fetched
    .flatMap(({ packages }) => Object.entries(packages))
    .filter(([path, entry]) => !agreed.has(known(path, entry)) && !isPinned(path, entry, policy))
    .map(([path, { version, integrity }]) => ({
      what: `a script fetched ${nameAt(path)}@${version} (${integrity}), which nobody agreed on`,
      cure: 'compare the integrity with that of another machine and network, and pin it in the policy',
    }));
}

const known = (path: string, { name, version, integrity }: LockEntry) =>
  `${name ?? nameAt(path)}@${version} ${integrity}`;

function isPinned(path: string, { version, integrity }: LockEntry, policy: Policy): boolean {
  const pin = policy.fetchedByScripts[`${nameAt(path)}@${version}`];
  return pin === null || (pin !== undefined && pin === integrity);
}
