// The checks of the harness: a page that contacts another host or throws fails its test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { visitor } from '../lib/browser.mjs';
import { world } from '../lib/world.mjs';
import { open, status } from '../lib/person.mjs';

const w = world();

test('a request to another host is seen and does not get through', async () => {
  const who = await visitor(w.browser);
  const page = await who.context.newPage();
  await open(w, page, '/');
  await status(page, 'Signed out');
  who.verify();
  const outcome = await page.evaluate(() => fetch('http://other.example/').then(() => 'answered', () => 'refused'));
  assert.equal(outcome, 'refused');
  assert.throws(who.verify, /other\.example/);
  await who.context.close();
});

test('an answer that the page may not read is seen', async () => {
  const who = await visitor(w.browser);
  const page = await who.context.newPage();
  await open(w, page, '/');
  await status(page, 'Signed out');
  // The Backend API's CORS answers do not allow this header.
  await page.evaluate(url => fetch(`${url}/v1/users`, { headers: { 'x-something': '1' } }).catch(() => 0), w.api.url);
  assert.throws(who.verify, /v1\/users/);
  await who.context.close();
});

test('an error that nobody caught is seen', async () => {
  const who = await visitor(w.browser);
  const page = await who.context.newPage();
  await open(w, page, '/');
  await status(page, 'Signed out');
  const seen = who.context.waitForEvent('weberror');
  await page.evaluate(() => { setTimeout(() => { throw new Error('on purpose'); }); });
  await seen;
  assert.throws(who.verify, /on purpose/);
  await who.context.close();
});

test('a Node process cannot reach another host', async () => {
  const note = path.join(await mkdtemp(path.join(tmpdir(), 'guard-')), 'foreign');
  const script = `fetch('http://192.0.2.1/').then(() => process.exit(0), () => process.exit(7))`;
  const { status } = spawnSync(process.execPath, ['-e', script], { env: { ...process.env, E2E_FOREIGN: note }, timeout: 10_000 });
  assert.equal(status, 7);
  assert.match(await readFile(note, 'utf8'), /192\.0\.2\.1:80/);
  await rm(path.dirname(note), { recursive: true });
});

test('a file that ran fewer tests than it has is seen', () => {
  const { NODE_TEST_CONTEXT, ...env } = process.env; // otherwise the run reports to this one
  const args = ['--test', '--test-name-pattern=there is none', '--test-reporter=./lib/counted.mjs', 'sdk/native.test.mjs'];
  const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 60_000 });
  assert.match(stdout, /sdk\/native\.test\.mjs ran 0 tests, and counts\.json has \d+/);
  assert.equal(status, 1);
});

test('the documented versions are those that run', async () => {
  const page = await readFile(new URL('../../docs/use/clients.md', import.meta.url), 'utf8');
  const documented = Object.fromEntries([...page.matchAll(/^\|`([^`]+)`\|(\d+\.\d+\.\d+)\|$/gm)].map(([, name, version]) => [name, version]));
  const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  assert.ok(Object.keys(documented).length >= 9);
  for (const [name, version] of Object.entries(documented)) {
    assert.equal(dependencies[name], version, name);
    const installed = JSON.parse(await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
    assert.equal(installed.version, version, name);
  }
});
