import { nameAt } from './lockfile.js';
import type { Policy } from './policy.js';
import type { Fault, Project } from './project.js';

export function licenceFaults({ lock }: Project, policy: Policy): Fault[] {
  const allowed = new Set(policy.licences);
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, { name, license }]) => ({ name: name ?? nameAt(path), license }));
  const strangers = packages.filter(({ license }) => !allows(allowed, license));
  const excepted = (name: string, license?: string) =>
    Object.hasOwn(policy.licenceExceptions, name) &&
    policy.licenceExceptions[name]?.says === license;
  const stale = Object.keys(policy.licenceExceptions).filter(
    (name) => !strangers.some((stranger) => stranger.name === name),
  );
  return [
    ...strangers
      .filter(({ name, license }) => !excepted(name, license))
      .map(({ name, license }) => ({
        what: `${name} has the licence ${license ?? '(none)'}`,
        cure: 'choose another package, or except this one in the policy and say why',
      })),
    ...stale.map((name) => ({
      what: `${name} needs no exception`,
      cure: 'remove it from the policy',
    })),
  ];
}

/** Whether an SPDX expression can be met with what is allowed. What cannot be read is not. */
export function allows(allowed: ReadonlySet<string>, expression: unknown): boolean {
  if (typeof expression !== 'string') return false;
  const tokens: string[] = expression.match(/[()]|[^\s()]+/g) ?? [];
  let isReadable = true;
  const takes = (token: string) => tokens[0] === token && tokens.shift() !== undefined;
  const either = (): boolean => {
    let met = both();
    while (takes('OR')) met = both() || met;
    return met;
  };
  const both = (): boolean => {
    let met = one();
    while (takes('AND')) met = one() && met;
    return met;
  };
  const one = (): boolean => {
    if (tokens.length === 0) isReadable = false;
    if (!takes('(')) return allowed.has(tokens.shift() ?? '');
    const met = either();
    return takes(')') && met;
  };
  return either() && isReadable && tokens.length === 0;
}
