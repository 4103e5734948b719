// `npm install` for the quickstarts, without a registry: it takes the packages of a project's package.json,
// and what they depend on, from this directory's node_modules. Each version must be exactly the one that
// e2e/package.json has.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = fileURLToPath(new URL('..', import.meta.url));
const json = name => JSON.parse(readFileSync(name, 'utf8'));

/** The top-level packages that these need, with themselves. */
function closure(names) {
  const { packages } = json(path.join(here, 'package-lock.json'));
  const found = new Set(), open = names.map(name => ['', name]);
  while (open.length) {
    const [from, name] = open.pop();
    let base = from;
    while (base && !packages[`${base}/node_modules/${name}`]) base = base.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '');
    const at = `${base ? `${base}/` : ''}node_modules/${name}`, of = packages[at];
    if (!of || found.has(at)) continue; // an optional one of another platform
    found.add(at);
    const peers = Object.keys(of.peerDependencies ?? {}).filter(peer => !of.peerDependenciesMeta?.[peer]?.optional);
    for (const next of [...Object.keys(of.dependencies ?? {}), ...Object.keys(of.optionalDependencies ?? {}), ...peers]) open.push([at, next]);
  }
  return [...found].filter(at => at.lastIndexOf('node_modules/') === 0);
}

function install(project) {
  const ours = json(path.join(here, 'package.json')), theirs = json(path.join(project, 'package.json'));
  const wanted = { ...theirs.dependencies, ...theirs.devDependencies };
  for (const [name, version] of Object.entries(wanted)) {
    if (ours.dependencies[name] !== version) throw new Error(`${name} ${version}: the tests have ${ours.dependencies[name] ?? 'no such package'}`);
  }
  const packages = closure(Object.keys(wanted));
  for (const [name, version] of Object.entries(ours.overrides)) {
    if (packages.includes(`node_modules/${name}`) && theirs.overrides?.[name] !== version) throw new Error(`overrides need ${name} ${version}`);
  }
  rmSync(path.join(project, 'node_modules'), { recursive: true, force: true });
  const link = process.platform === 'linux' ? '-RlP' : '-RP';
  for (const at of packages) {
    if (!existsSync(path.join(here, at))) continue; // an optional one of another platform
    mkdirSync(path.dirname(path.join(project, at)), { recursive: true });
    execFileSync('cp', [link, path.join(here, at), path.join(project, at)]);
  }
  execFileSync('cp', [link, path.join(here, 'node_modules/.bin'), path.join(project, 'node_modules/.bin')]);
}

if (process.argv.slice(2).join(' ') !== 'install') throw new Error(`npm ${process.argv.slice(2).join(' ')}: quickstarts run only npm install`);
install(process.cwd());
