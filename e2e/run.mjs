// Runs the browser tests, two files at a time: node run.mjs [--gateway] [part of a path, such as pages/, ...]
// It builds Countersign, unless COUNTERSIGN names a binary, and the apps that the tests need.
// With --gateway it runs the tests of gateway.json, at the stand-in of the gateway with all functions behind
// it. DYNAMODB_ENDPOINT then names a server.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = fileURLToPath(new URL('.', import.meta.url));
const say = text => console.log(`e2e: ${text}`);
const bin = mkdtempSync(path.join(tmpdir(), 'countersign-bin-'));
// Every Node process, also those of the frameworks, may connect to this machine only.
const foreign = path.join(bin, 'foreign');
const env = {
  ...process.env, E2E_FOREIGN: foreign,
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('lib/loopback-only.mjs', import.meta.url)}`.trim(),
};

try {
  env.CHROMIUM ??= ['chromium', 'chromium-browser', 'google-chrome'].map(name => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
  if (!env.CHROMIUM) throw new Error('no Chromium on the PATH; install it or name it in CHROMIUM');
  const wanted = process.argv.slice(2).filter(arg => arg !== '--gateway');
  const gateway = process.argv.includes('--gateway') && JSON.parse(readFileSync(path.join(here, 'gateway.json'), 'utf8'));
  const root = path.join(here, '..');
  if (gateway) {
    say('building the functions');
    env.E2E_LAMBDA = path.join(bin, 'lambda');
    env.E2E_BOOTSTRAPS = path.join(bin, 'bootstraps');
    execFileSync('go', ['build', '-o', env.E2E_LAMBDA, './cmd/lambda'], { cwd: root, stdio: 'inherit' });
    execFileSync(env.E2E_LAMBDA, ['bootstraps', env.E2E_BOOTSTRAPS], { cwd: root, stdio: 'inherit' });
  } else if (!env.COUNTERSIGN) {
    env.COUNTERSIGN = path.join(bin, 'countersign');
    say('building countersign');
    execFileSync('go', ['build', '-o', env.COUNTERSIGN, './cmd/countersign'], { cwd: root, stdio: 'inherit' });
  }

  const files = ['pages', 'sdk', 'start'].flatMap(suite => readdirSync(path.join(here, suite)).map(name => `${suite}/${name}`))
    .filter(name => /\.test\.m?js$/.test(name) && (!wanted.length || wanted.some(part => name.includes(part))) && (!gateway || gateway[name]));
  if (!files.length) throw new Error(`no test file matches ${wanted.join(' ')}`);
  if (files.some(name => name.startsWith('sdk/'))) {
    say('building the React app');
    execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '-c', 'react/vite.config.mjs', '--logLevel', 'warn'], { cwd: here, stdio: 'inherit', env });
  }

  const only = [];
  if (gateway) {
    env.E2E_COUNTS = JSON.stringify(Object.fromEntries(files.map(name => [name, gateway[name].length])));
    for (const name of files) for (const test of gateway[name]) only.push(`--test-name-pattern=^(${name}: )?${test.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`);
  }
  const { status } = spawnSync(process.execPath, ['--test', ...only, '--test-concurrency=2', '--test-reporter=spec', '--test-reporter-destination=stdout',
    '--test-reporter=./lib/counted.mjs', '--test-reporter-destination=stderr', ...files], { cwd: here, stdio: 'inherit', env });
  process.exitCode = status ?? 1;
  if (existsSync(foreign)) throw new Error(`connections to other hosts:\n${readFileSync(foreign, 'utf8')}`);
} catch (error) {
  console.error(`e2e: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(bin, { recursive: true, force: true });
}
