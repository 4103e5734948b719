// A quickstart of docs/start: its files and commands as they stand in the page, and a reader who follows them.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before } from 'node:test';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { journey, startBrowser } from './browser.mjs';
import { startCountersign } from './countersign.mjs';
import { freePort } from './next.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));

/** The test of a page: a server, the page's commands at addresses of their own, and a reader in a browser. */
export function followed(name, what, read) {
  const w = { limit: 30_000 };
  const stops = [];
  before(async () => {
    w.api = await startCountersign();
    stops.push(w.api.stop);
    w.guide = await tutorial(name);
    w.app = await w.guide.start(addresses(w.api, await freePort()));
    stops.push(w.app.stop);
    w.browser = await startBrowser();
    stops.push(() => w.browser.close());
  });
  after(async () => {
    const ends = await Promise.allSettled(stops.reverse().map(stop => stop()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });
  journey(what, w, async ({ page }) => {
    await page.goto(w.app.url);
    await read({ page, guide: w.guide, api: w.api });
    w.guide.done();
  });
}

/** The variables whose values differ from the page: the addresses and keys of these servers. They override those of a file. */
const addresses = (api, port) => ({
  PORT: String(port), APP_URL: `http://localhost:${port}`, CLERK_SECRET_KEY: api.secretKey,
  ...Object.fromEntries(['CLERK_API_URL', 'CLERK_PROXY_URL', 'VITE_CLERK_PROXY_URL', 'NEXT_PUBLIC_CLERK_PROXY_URL'].map(key => [key, api.url])),
  ...Object.fromEntries(['CLERK_PUBLISHABLE_KEY', 'VITE_CLERK_PUBLISHABLE_KEY', 'NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY'].map(key => [key, api.publishableKey])),
});

/** Does what sends a message, and waits until it is sent: a reader types no code before. */
export async function textedBy(page, act) {
  const sent = page.waitForResponse(answer => /\/prepare_\w+/.test(answer.url()) && answer.ok());
  await act();
  await sent;
}

/** The demo user Grace signs in on the hosted page. Her number always gets the same code. */
export async function signInHosted(page, guide) {
  await page.getByRole('link', { name: guide.bold('Sign in') }).click();
  await page.getByLabel(/^Email/).fill(guide.typed('grace@example.com'));
  await page.getByLabel('Password', { exact: true }).fill(guide.typed('demo-password'));
  await textedBy(page, () => page.getByRole('button', { name: guide.bold('Continue'), exact: true }).click());
  await page.getByLabel('Six-digit code').fill(guide.typed('424242'));
}

/** The demo user Grace signs in on Clerk's component. Her number always gets the same code. */
export async function signInAsGrace(page, guide) {
  const proceed = () => page.getByRole('button', { name: guide.bold('Continue'), exact: true }).click();
  await page.getByLabel(/^Email address/).fill(guide.typed('grace@example.com'));
  await proceed();
  await page.getByLabel('Password', { exact: true }).fill(guide.typed('demo-password'));
  await proceed();
  await page.getByLabel('Enter verification code').pressSequentially(guide.typed('424242'));
}

/** Reads a page. A file is a block of code after a line that ends with its name, as in "`server.mjs`:". Commands are the blocks of sh. */
export async function tutorial(name) {
  const text = await readFile(path.join(here, '../docs/start', `${name}.md`), 'utf8');
  const files = [...text.matchAll(/`([^`\n]+)`:\n\n```\w*\n(.*?)^```$/gms)].map(([, file, body]) => ({ file, body }));
  const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, body]) => body);
  const prose = text.replace(/^```.*?^```$/gms, '');
  const controls = new Set([...prose.matchAll(/\*\*([^*]+)\*\*/g)].map(([, label]) => label.replace(/\s+/g, ' ')));
  assert.ok(files.length > 0, `docs/start/${name}.md has no files`);
  const unused = new Set(controls);
  return {
    files, commands,
    /** The label of a control, which the page must name in bold. */
    bold: label => { assert.ok(controls.has(label), `the page does not name **${label}**`); unused.delete(label); return label; },
    /** A text that the reader types, which the page must show as code. */
    typed: value => { assert.ok(prose.includes(`\`${value}\``), `the page does not name \`${value}\``); return value; },
    /** Fails when the page names a control that the reader did not use. */
    done: () => assert.deepEqual([...unused], [], 'controls that the page names, and that the reader did not use'),
    start: env => start(name, files, commands, env),
  };
}

/** Next.js asks npm for its newest version in development, and not in CI for advisories. */
const quiet = { NEXT_TELEMETRY_DISABLED: '1', CI: 'true', NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('no-version-check.mjs', import.meta.url)}`.trim() };

/** Go modules from the cache of this machine only. */
const cached = () => ({ GOPROXY: `file://${execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim()}/cache/download`, GOSUMDB: 'off', GOFLAGS: '-mod=mod' });

/** Runs the commands in a directory with the files, until they print "open" and an address. env has what differs from the page: addresses. */
async function start(name, files, commands, env) {
  const root = path.join(here, '.build/start'); // below e2e, so that frameworks find one root
  await mkdir(root, { recursive: true });
  const dir = await mkdtemp(path.join(root, `${name}-`));
  for (const { file, body } of files) {
    await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
    await writeFile(path.join(dir, file), body);
  }
  const tools = await mkdtemp(path.join(root, 'tools-'));
  await writeFile(path.join(tools, 'npm'), `#!/bin/sh\nexec "${process.execPath}" "${path.join(here, 'lib/install.mjs')}" "$@"\n`);
  await chmod(path.join(tools, 'npm'), 0o755);
  const shell = spawn('bash', ['-c', `set -euo pipefail\n${commands.join('\n')}`], {
    cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_config_update_notifier: 'false', npm_config_offline: 'true', ...quiet, ...(commands.join().includes('go get') && cached()), ...env, PATH: `${tools}:${process.env.PATH}` },
  });
  const exited = once(shell, 'exit'), log = [];
  const stop = async () => {
    try { process.kill(-shell.pid, 'SIGTERM'); } catch (error) { if (error.code !== 'ESRCH') throw error; }
    await exited;
    await Promise.all([dir, tools].map(each => rm(each, { recursive: true, maxRetries: 5 })));
  };
  const open = new Promise(resolve => {
    for (const stream of [shell.stdout, shell.stderr]) {
      createInterface({ input: stream }).on('line', line => {
        log.push(line);
        const found = /(?:open|Local:)\s+(http:\S+)/.exec(line);
        if (found) resolve(found[1]);
      });
    }
  });
  try {
    const url = await Promise.race([open, exited.then(([status]) => { throw new Error(`the commands ended with ${status}:\n${log.join('\n')}`); })]);
    return { url, log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
