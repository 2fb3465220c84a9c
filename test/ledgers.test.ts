import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  asvsLedger,
  attackLedger,
  PROVEN,
  proofsOf,
  type AttackRow,
  type RequirementRow,
} from './support/ledgers.js';

const ROOT = join(import.meta.dirname, '..');

/** What OWASP ASVS 5.0.0 has of each level, and how many attacks were collected. */
const REQUIREMENTS = { L1: 70, L2: 183, L3: 92 };
const ATTACKS = 154;

const STATES = {
  attacks: ['refused', 'not applicable', 'later'],
  asvs: ['proven', 'deployment', 'not applicable', 'open'],
};
const LATER = new Set([
  'accounts',
  'encryption',
  'row-level security',
  'audit log',
  'TLS listener',
  'supply chain',
  'api keys',
  'oauth',
  'gateway',
  'anomaly detection',
]);

type Rows = (AttackRow | RequirementRow)[];
const ledgers: [name: keyof typeof STATES, rows: Rows][] = [
  ['attacks', attackLedger()],
  ['asvs', asvsLedger()],
];

/** What a removal let through when the lessons were proven last; CI proves them again. */
const matrix = JSON.parse(readFileSync(join(ROOT, 'lessons/matrix.json'), 'utf8')) as {
  rows: { state: string; opens: string[] }[];
};
const letThrough = new Set(matrix.rows.flatMap(({ opens }) => opens));

const headingsOf = (file: string) =>
  readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );

describe.each(ledgers)('docs/%s.csv', (name, rows) => {
  it('names each id once, and says something in every column', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    const incomplete = rows.filter((row) => Object.values(row).some((cell) => cell.trim() === ''));
    expect(incomplete).toEqual([]);
  });

  it('gives each row a state that it knows', () => {
    expect(rows.filter(({ state }) => !STATES[name].includes(state))).toEqual([]);
  });

  it('has a proof that can be read for each row that claims one', () => {
    const unreadable = rows.flatMap((row) =>
      proofsOf(row).unreadable.map((part) => [row.id, part]),
    );
    expect(unreadable).toEqual([]);
    const bare = rows
      .filter(({ state }) => PROVEN.has(state))
      .filter((row) => proofsOf(row).attacks.length + proofsOf(row).tests.length === 0);
    expect(bare).toEqual([]);
  });

  it('names attacks that some removal lets through, so that their refusal means something', () => {
    const unproven = rows.flatMap((row) =>
      proofsOf(row)
        .attacks.filter((id) => !letThrough.has(id))
        .map((id) => [row.id, id]),
    );
    expect(unproven).toEqual([]);
  });

  it('names test files that exist; the reporter asserts that the tests ran', () => {
    const missing = rows.flatMap((row) =>
      proofsOf(row)
        .tests.filter(({ file }) => !existsSync(join(ROOT, 'test', file)))
        .map(({ file }) => [row.id, file]),
    );
    expect(missing).toEqual([]);
  });
});

describe('docs/asvs.csv', () => {
  const rows = asvsLedger();

  it('has every requirement, chapter by chapter and without a gap', () => {
    const places = rows.map(({ id }) => id.replace('v5.0.0-', '').split('.').map(Number));
    places.forEach(([chapter, section = 0, number = 0], index) => {
      const [lastChapter, lastSection = 0, lastNumber = 0] = places[index - 1] ?? [];
      const sameSection = chapter === lastChapter && section === lastSection;
      expect([rows[index]?.id, number]).toEqual([
        rows[index]?.id,
        sameSection ? lastNumber + 1 : 1,
      ]);
    });
    const ofLevel = (level: string) => rows.filter((row) => row.level === level).length;
    expect({ L1: ofLevel('L1'), L2: ofLevel('L2'), L3: ofLevel('L3') }).toEqual(REQUIREMENTS);
  });

  it('sends the operator to a section that exists', () => {
    const lost = rows
      .filter(({ state }) => state === 'deployment')
      .filter(({ proof }) => {
        const [file = '', heading = ''] = proof.split('#');
        return !existsSync(join(ROOT, file)) || !headingsOf(file).includes(heading);
      });
    expect(lost).toEqual([]);
  });
});

describe('docs/attacks.csv', () => {
  it('has every attack, and says of each later one with which capability it comes', () => {
    const rows = attackLedger();
    expect(rows).toHaveLength(ATTACKS);
    const lost = rows.filter(({ state, proof }) => state === 'later' && !LATER.has(proof));
    expect(lost).toEqual([]);
  });
});
