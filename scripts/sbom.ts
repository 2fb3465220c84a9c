// npm run sbom: writes sbom.cdx.json (CycloneDX), all that production installs, from package-lock.json.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { nameAt } from './supply-chain/lockfile.js';
import { POLICY } from './supply-chain/policy.js';
import type { Lockfile } from './supply-chain/project.js';

const FILE = 'sbom.cdx.json';
const OPTIONS = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];

interface Component {
  'bom-ref': string;
  name: string;
  licenses?: { license: { id: string } }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

/** With all packages: its `--omit=dev` also omits what both production and development need. */
function bomOfNpm(): Bom {
  const npm = process.env['npm_execpath'] ?? '';
  const { status, stdout, stderr } = spawnSync(process.execPath, [npm, 'sbom', ...OPTIONS], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`npm sbom failed; it takes npm 10 or newer. ${stderr}`);
  return JSON.parse(stdout) as Bom;
}

function keepShipped(bom: Bom): void {
  const { packages } = readJson('package-lock.json') as Lockfile;
  const shipped = new Set(
    Object.entries(packages)
      .filter(([, { dev }]) => !dev)
      .map(([path, { name, version }]) => `${name ?? nameAt(path)}@${version}`),
  );
  bom.components = bom.components.filter((component) => shipped.has(component['bom-ref']));
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => shipped.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => shipped.has(on)) }));
}

/** The same lockfile gives the same text: no time, no random number, no name of a folder. */
function settle(bom: Bom): void {
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  bom.metadata.component.name = (readJson('package.json') as { name: string }).name;
  for (const component of bom.components) {
    const { is } = POLICY.licenceExceptions[component.name] ?? {};
    if (is) component.licenses ??= [{ license: { id: is } }];
  }
}

const bom = bomOfNpm();
keepShipped(bom);
settle(bom);
writeFileSync(FILE, `${JSON.stringify(bom, null, 2)}\n`);
process.stdout.write(`Written: ${FILE}, ${bom.components.length} components\n`);
