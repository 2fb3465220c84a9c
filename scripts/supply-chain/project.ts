import { spawnSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a gate found, and what to do about it. */
export interface Fault {
  what: string;
  cure: string;
}

/** An entry of package-lock.json; the fields that the gates look at. */
export interface LockEntry {
  name?: string;
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  link?: boolean;
  os?: string[];
  dev?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Lockfile {
  lockfileVersion: number;
  packages: Record<string, LockEntry>;
}

export interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}

/** The project as the gates see it: texts only, so that a test can seed any fault. */
export interface Project {
  manifest: Manifest;
  lock: Lockfile;
  /** npm's notes of what install scripts fetched with it, below their own packages. */
  fetched: Lockfile[];
  /** The text of each file that belongs to the project. */
  files: Map<string, string>;
}

const NOTE = 'node_modules/.package-lock.json';

export function readProject(root: string): Project {
  const files = new Map(
    listFiles(root).map((file) => [file, readFileSync(join(root, file), 'utf8')]),
  );
  const json = (file: string): object => JSON.parse(files.get(file) ?? '{}') as object;
  return {
    manifest: json('package.json'),
    lock: { lockfileVersion: 0, packages: {}, ...json('package-lock.json') },
    fetched: readFetched(root),
    files,
  };
}

function readFetched(root: string): Lockfile[] {
  const notes = globSync([`node_modules/*/${NOTE}`, `node_modules/@*/*/${NOTE}`], { cwd: root });
  return notes.map((note) => JSON.parse(readFileSync(join(root, note), 'utf8')) as Lockfile);
}

/** What is committed or could be: git's list, or, where git knows nothing of this folder, the folder itself. */
export function listFiles(root: string): string[] {
  const git = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', git, { cwd: root, encoding: 'utf8' });
  const listed = status === 0 ? [...new Set(stdout.split('\0'))] : [];
  const files = listed.includes('package.json') ? listed : walk(root);
  return files.filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile());
}

function walk(root: string): string[] {
  const lines = readFileSync(join(root, '.gitignore'), 'utf8').split('\n').filter(Boolean);
  const ignored = new Set(['.git', ...lines.map((line) => line.replace(/\/$/, ''))]);
  const isIgnored = (name: string) =>
    ignored.has(name) || ignored.has(`*${name.slice(name.lastIndexOf('.'))}`);
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter(({ name }) => !isIgnored(name))
      .flatMap((entry) => {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        return entry.isDirectory() ? below(path) : [path];
      });
  return below('');
}
