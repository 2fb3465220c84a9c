// npm run sbom: writes sbom.cdx.json (CycloneDX), all that production installs, from package-lock.json.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { POLICY } from './supply-chain/policy.js';

const FILE = 'sbom.cdx.json';
const OPTIONS = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];

interface Component {
  name: string;
  licenses?: { license: { id: string } }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
}

function bomOfNpm(): Bom {
  const npm = process.env['npm_execpath'] ?? '';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [npm, 'sbom', ...OPTIONS, '--omit=dev'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`npm sbom failed; it takes npm 10 or newer. ${stderr}`);
  return JSON.parse(stdout) as Bom;
}

/** The same lockfile gives the same text: no time, no random number, no name of a folder. */
function settle(bom: Bom): void {
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string };
  bom.metadata.component.name = name;
  for (const component of bom.components) {
    const { is } = POLICY.licenceExceptions[component.name] ?? {};
    if (is) component.licenses ??= [{ license: { id: is } }];
  }
}

const bom = bomOfNpm();
settle(bom);
writeFileSync(FILE, `${JSON.stringify(bom, null, 2)}\n`);
process.stdout.write(`Written: ${FILE}, ${bom.components.length} components\n`);
