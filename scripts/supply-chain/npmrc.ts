import type { Policy } from './policy.js';
import type { Fault, Project } from './project.js';

const FILE = '.npmrc';

/** What npm itself refuses, before anything of a package runs; and that nothing there undoes it. */
export function npmrcFaults({ files }: Project, policy: Policy): Fault[] {
  const settings = (files.get(FILE) ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[;#]/.test(line))
    .map((line) => line.replaceAll(/\s*=\s*/g, '='));
  const missing = policy.npmrc.filter((setting) => !settings.includes(setting));
  const others = settings.filter((setting) => !policy.npmrc.includes(setting));
  return [
    ...missing.map((setting) => ({ what: `${setting} is missing`, cure: `write it into ${FILE}` })),
    ...others.map((setting) => ({
      // Only the name: the value may be a token.
      what: `${setting.split('=')[0]} is set, which the policy does not know`,
      cure: 'remove it, or add it to the policy; what is yours alone belongs into ~/.npmrc',
    })),
  ];
}
