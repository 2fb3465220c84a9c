import { readFileSync } from 'node:fs';
import { VARIABLES, type Variable } from './variables.js';

export type Environment = Readonly<Record<string, string | undefined>>;
type Name = keyof typeof VARIABLES;
export type Values = { [N in Name]: ValueOf<(typeof VARIABLES)[N]> };
type ValueOf<V> = V extends { fallback: string; read: (text: string) => infer T }
  ? T
  : V extends { read: (text: string) => infer T }
    ? T | undefined
    : never;

/** Every fault of the configuration at once, each with its cure. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(found: readonly string[]) {
    const faults = firstOfEachVariable(found);
    super(`The configuration is not usable:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

/** A variable that is at fault counts as absent, and then as missing: that is told once. */
function firstOfEachVariable(faults: readonly string[]): string[] {
  const names = faults.map((fault) => fault.split(' ', 1)[0]);
  return faults.filter((_fault, index) => names.indexOf(names[index]) === index);
}

/** Reads and checks every variable; throws one ConfigError that lists all faults. */
export function readEnvironment(env: Environment): Values {
  const { values, faults } = checkEnvironment(env);
  if (faults.length > 0) throw new ConfigError(faults);
  return values;
}

/** For a caller who looks for more faults before it throws. What is at fault counts as absent. */
export function checkEnvironment(env: Environment): { values: Values; faults: string[] } {
  const faults: string[] = [];
  const values = Object.entries<Variable<unknown>>(VARIABLES).map(([name, variable]) => {
    try {
      return [name, readOne(env, name, variable)];
    } catch (error) {
      faults.push(`${name} ${(error as Error).message}`);
      return [name, readOne({}, name, variable)];
    }
  });
  return { values: Object.fromEntries(values) as Values, faults };
}

function readOne(env: Environment, name: string, variable: Variable<unknown>): unknown {
  const text = (variable.secret ? fromFile(env, name) : undefined) ?? env[name];
  const chosen = text === undefined || text === '' ? variable.fallback : text;
  return chosen === undefined ? undefined : variable.read(chosen);
}

/** Orchestrators mount secrets as files: they do not show up in `ps`, crash reports or children. */
function fromFile(env: Environment, name: string): string | undefined {
  const path = env[`${name}_FILE`];
  if (!path) return undefined;
  if (env[name]) throw new Error(`is given twice: keep ${name} or ${name}_FILE, not both`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new Error(`cannot be read from the file that ${name}_FILE names`);
  }
}
