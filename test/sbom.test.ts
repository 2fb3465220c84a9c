import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allows } from '../scripts/supply-chain/licences.js';
import { nameAt } from '../scripts/supply-chain/lockfile.js';
import { POLICY } from '../scripts/supply-chain/policy.js';
import type { Lockfile } from '../scripts/supply-chain/project.js';

const ROOT = join(import.meta.dirname, '..');

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
  purl: string;
  hashes: { alg: string; content: string }[];
  licenses: ({ license: { id: string } } | { expression: string })[];
}
interface Bom {
  bomFormat: string;
  specVersion: string;
  version: number;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

let folders: string[];
let texts: string[];
let bom: Bom;

/** Writes it in a folder of its own: the name of the folder is of no importance. */
beforeAll(() => {
  folders = ['one', 'two'].map((name) => mkdtempSync(join(tmpdir(), `bulwark-sbom-${name}-`)));
  texts = folders.map((folder) => {
    for (const file of ['package.json', 'package-lock.json', '.npmrc', '.swcrc', 'scripts'])
      cpSync(join(ROOT, file), join(folder, file), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const run = spawnSync('npm', ['run', 'sbom'], { cwd: folder, encoding: 'utf8' });
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining('Written: ')]);
    return readFileSync(join(folder, 'sbom.cdx.json'), 'utf8');
  });
  bom = JSON.parse(texts[0] ?? '') as Bom;
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

const shipped = () => {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as Lockfile;
  return Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
};

describe('npm run sbom', () => {
  it('writes a CycloneDX document of this application', () => {
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', version: 1 });
    expect(Number(bom.specVersion)).toBeGreaterThanOrEqual(1.5);
    expect(bom.metadata.component).toMatchObject({ type: 'application', name: 'bulwark' });
  });

  it('lists each package that production installs, with version, address, licence and hash', () => {
    const listed = new Map(bom.components.map((component) => [component['bom-ref'], component]));
    expect(shipped().length).toBeGreaterThan(100);
    const allowed = new Set([...POLICY.licences, 'Python-2.0']);
    for (const [path, { name = nameAt(path), version = '', integrity = '' }] of shipped()) {
      const component = listed.get(`${name}@${version}`);
      expect(component).toMatchObject({
        name,
        version,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        hashes: [
          { alg: 'SHA-512', content: Buffer.from(integrity.slice(7), 'base64').toString('hex') },
        ],
      });
      const licences = (component?.licenses ?? []).map((one) =>
        'expression' in one ? one.expression : one.license.id,
      );
      expect([name, licences.map((licence) => allows(allowed, licence))]).toEqual([name, [true]]);
    }
  });

  it('lists nothing that only development needs, and nothing twice', () => {
    const refs = bom.components.map((component) => component['bom-ref']);
    const known = new Set(
      shipped().map(([path, { name, version }]) => `${name ?? nameAt(path)}@${version}`),
    );
    expect(refs.filter((ref) => !known.has(ref))).toEqual([]);
    expect(new Set(refs).size).toBe(refs.length);
  });

  it('says what each of them needs, by names that it lists', () => {
    const refs = new Set([bom.metadata.component, ...bom.components].map((one) => one['bom-ref']));
    expect(bom.dependencies).toHaveLength(refs.size);
    const lost = bom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(lost.filter((ref) => !refs.has(ref))).toEqual([]);
  });

  it('writes the same for the same lockfile, wherever and whenever', () => {
    expect(texts[1]).toBe(texts[0]);
    for (const folder of folders) expect(texts[0]).not.toContain(folder);
  });
});
