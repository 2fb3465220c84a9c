// Jest knows which tests ran: every test that a ledger names as its proof must be among those that
// passed. Files that were not part of the run are not judged.
import { basename } from 'node:path';
import '../../scripts/typescript.js';

export default class LedgerReporter {
  /** @type {string[]} */
  missing = [];

  /** @param {import('@jest/reporters').Config.GlobalConfig} globalConfig */
  constructor(globalConfig) {
    this.filtered = Boolean(globalConfig.testNamePattern);
  }

  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  async onRunComplete(_contexts, { testResults }) {
    if (this.filtered) return;
    const { asvsLedger, attackLedger, proofsOf } = await import('./ledgers.ts');
    const passed = new Map(
      testResults.map(({ testFilePath, testResults: tests }) => [
        basename(testFilePath),
        tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName),
      ]),
    );
    for (const row of [...attackLedger(), ...asvsLedger()])
      for (const { file, name } of proofsOf(row).tests)
        if (passed.get(file)?.some((fullName) => fullName.startsWith(name)) === false)
          this.missing.push(`${row.id}: no test of ${file} passed whose name begins with: ${name}`);
  }

  getLastError() {
    return this.missing.length > 0 ? new Error(`Unproven:\n${this.missing.join('\n')}`) : undefined;
  }
}
