import { isBuiltin } from 'node:module';
import typescript from 'typescript';
import type { Policy } from './policy.js';
import type { Fault, Project } from './project.js';

const CODE = /\.(?:[cm]?[jt]s)$/;
/** What is looked up at run time, by a name that stands there. */
const RESOLVED =
  /(?:import\.meta|\brequire|createRequire\([^)]*\))\.resolve\(\s*['"]([@\w][\w@./-]*)['"]/g;

interface Import {
  file: string;
  name: string;
}

/** Each package that is used is declared, where it is used, and each that is declared is used. */
export function importFaults(project: Project, policy: Policy): Fault[] {
  const imports = [...project.files]
    .filter(([file]) => CODE.test(file))
    .flatMap(([file, text]) => importsOf(text).map((name) => ({ file, name })));
  return [
    ...undeclared(imports, project, policy),
    ...unused(imports, project, policy),
    ...stale(imports, project, policy),
  ];
}

function importsOf(text: string): string[] {
  const { importedFiles } = typescript.preProcessFile(text, true, true);
  const names = importedFiles.map(({ fileName }) => fileName);
  const resolved = [...text.matchAll(RESOLVED)].map(([, name = '']) => name);
  return [...new Set([...names, ...resolved])]
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}

/** What comes with another package today is gone, or is another's name, tomorrow. */
function undeclared(imports: Import[], { manifest }: Project, policy: Policy): Fault[] {
  const shipped = manifest.dependencies ?? {};
  const all = { ...shipped, ...manifest.devDependencies };
  const excepted = ({ file, name }: Import) => policy.developmentOnly[file]?.package === name;
  return imports.flatMap((used) => {
    const where = `${used.file} imports ${used.name}`;
    if (!Object.hasOwn(all, used.name))
      return [
        { what: `${where}, which package.json does not name`, cure: `npm install ${used.name}` },
      ];
    const isMissing = used.file.startsWith('src/') && !Object.hasOwn(shipped, used.name);
    if (!isMissing || excepted(used)) return [];
    return [
      { what: `${where}, which production does not install`, cure: 'move it to dependencies' },
    ];
  });
}

/** What is not used is attack surface for nothing. */
function unused(imports: Import[], { manifest }: Project, policy: Policy): Fault[] {
  const { dependencies = {}, devDependencies = {} } = manifest;
  const inSource = new Set(imports.filter(({ file }) => file.startsWith('src/')).map(nameOf));
  const anywhere = new Set(imports.map(nameOf));
  const typed = (name: string) => anywhere.has(name.replace(/^@types\//, ''));
  const excepted = (name: string) => Object.hasOwn(policy.notImported, name);
  return [
    ...Object.keys(dependencies).filter((name) => !inSource.has(name) && !excepted(name)),
    ...Object.keys(devDependencies).filter((name) => !typed(name) && !excepted(name)),
  ].map((name) => ({
    what: `nothing that needs ${name} imports it`,
    cure: `npm uninstall ${name}, move it to devDependencies, or say in the policy what it is for`,
  }));
}

const nameOf = ({ name }: Import) => name;

function stale(imports: Import[], { manifest }: Project, policy: Policy): Fault[] {
  const declared = { ...manifest.dependencies, ...manifest.devDependencies };
  const gone = Object.keys(policy.notImported).filter((name) => !Object.hasOwn(declared, name));
  const idle = Object.entries(policy.developmentOnly)
    .filter(
      ([of, { package: name }]) => !imports.some((one) => one.file === of && one.name === name),
    )
    .map(([file]) => file);
  return [...gone, ...idle].map((name) => ({
    what: `${name} needs no exception`,
    cure: 'remove it from the policy',
  }));
}
