import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCS = join(import.meta.dirname, '../../docs');

interface Row {
  id: string;
  state: string;
  proof: string;
}
export interface AttackRow extends Row {
  class: string;
  attack: string;
}
export interface RequirementRow extends Row {
  level: string;
  requirement: string;
}

/** Each row's proof is checked by test/ledgers.test.ts and by the reporter that knows what ran. */
export const LEDGERS = { attacks: 'attacks.csv', asvs: 'asvs.csv' } as const;

const read = (file: string): unknown[] =>
  parse(readFileSync(join(DOCS, file)), { columns: true, relax_column_count: false });

export const attackLedger = () => read(LEDGERS.attacks) as AttackRow[];
export const asvsLedger = () => read(LEDGERS.asvs) as RequirementRow[];

/** The states whose proof is an attack of the lessons or a test. */
export const PROVEN = new Set(['refused', 'proven']);

export interface Proofs {
  attacks: string[];
  /** A test file, and how the full name of a test in it begins. */
  tests: { file: string; name: string }[];
  unreadable: string[];
}

/** Reads `attack:<id>` and `test:<file>#<beginning of the full name>`, joined by ` + `. */
export function proofsOf({ state, proof }: Row): Proofs {
  const proofs: Proofs = { attacks: [], tests: [], unreadable: [] };
  if (!PROVEN.has(state)) return proofs;
  for (const part of proof.split(/ \+ (?=attack:|test:)/)) {
    const { attack, file, name } =
      /^attack:(?<attack>[\w-]+)$|^test:(?<file>[\w.-]+)#(?<name>.+)$/.exec(part)?.groups ?? {};
    if (attack) proofs.attacks.push(attack);
    else if (file && name) proofs.tests.push({ file, name });
    else proofs.unreadable.push(part);
  }
  return proofs;
}

/** How many rows of each group (a level, a class) have each state. */
export function countStates(rows: Row[], groupOf: (row: never) => string) {
  const counts = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const group = groupOf(row as never);
    const states = counts.get(group) ?? new Map<string, number>();
    states.set(row.state, (states.get(row.state) ?? 0) + 1);
    counts.set(group, states);
  }
  return counts;
}
