// npm run check:supply: what comes from others, and what must not leave. Asks nobody: it reads the project only.
import { fetchedFaults } from './fetched.js';
import { importFaults } from './imports.js';
import { installScriptFaults } from './install-scripts.js';
import { licenceFaults } from './licences.js';
import { lockfileFaults } from './lockfile.js';
import { npmrcFaults } from './npmrc.js';
import { POLICY, type Policy } from './policy.js';
import { readProject, type Fault, type Project } from './project.js';
import { secretFaults } from './secrets.js';

const GATES: Record<string, (project: Project, policy: Policy) => Fault[]> = {
  'package-lock.json': lockfileFaults,
  '.npmrc': npmrcFaults,
  'install scripts': installScriptFaults,
  'what scripts fetched': fetchedFaults,
  licences: licenceFaults,
  imports: importFaults,
  secrets: secretFaults,
};

const project = readProject(process.cwd());
const lines = Object.entries(GATES).flatMap(([gate, faultsOf]) =>
  faultsOf(project, POLICY).map(({ what, cure }) => `${gate}: ${what}.\n  Cure: ${cure}.`),
);
process.stdout.write(
  lines.length === 0
    ? `Supply chain: ${Object.keys(GATES).join(', ')}: nothing to report.\n`
    : `${lines.join('\n')}\n`,
);
if (lines.length > 0) process.exitCode = 1;
