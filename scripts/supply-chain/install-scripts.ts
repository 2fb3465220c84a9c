import { nameAt } from './lockfile.js';
import type { Fault, Project } from './project.js';

/** An install script runs any code as whoever says `npm ci`: each is allowed or denied by name. */
export function installScriptFaults({ lock, manifest }: Project): Fault[] {
  const verdicts = manifest.allowScripts ?? {};
  const scripted = Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path, { name }]) => name ?? nameAt(path));
  const unnamed = [...new Set(scripted)].filter((name) => typeof verdicts[name] !== 'boolean');
  const stale = Object.keys(verdicts).filter((name) => !scripted.includes(name));
  return [
    ...unnamed.map((name) => ({
      what: `${name} has an install script that nobody decided about`,
      cure: 'read it, and name the package in allowScripts of package.json: true, or better false',
    })),
    ...stale.map((name) => ({
      what: `${name} has no install script, and is in allowScripts`,
      cure: 'remove it: the next version of that name could have one',
    })),
  ];
}
