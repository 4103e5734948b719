// The Next.js app, built or in development, in its own process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { secretKey } from './countersign.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const app = path.join(here, 'next');
const next = path.join(here, 'node_modules/next/dist/bin/next');

/** A free port below Linux's ephemeral range, so that no connection takes it before the app listens. */
export const freePort = () => new Promise(resolve => {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = createServer().once('error', () => resolve(freePort())).listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
});

/** Copies Clerk's two bundles into the app's public folder. */
async function copyBundles() {
  for (const name of ['clerk-js', 'ui']) {
    const from = path.join(here, 'node_modules/@clerk', name, 'dist'), to = path.join(app, 'public/clerk-bundles', name);
    await mkdir(to, { recursive: true });
    for (const file of await readdir(from)) if (/browser.*\.js$|_ui_.*\.js$/.test(file) && !/legacy|native/.test(file)) await cp(path.join(from, file), path.join(to, file));
  }
}

/** Starts the app. mode is 'dev' or 'start'; proxyUrl is the proxy URL in the browser. */
export async function startNext(api, mode, proxyUrl) {
  await copyBundles();
  const url = `http://localhost:${await freePort()}`;
  const env = {
    ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('no-version-check.mjs', import.meta.url)}`.trim(), APP_URL: url, NEXT_DIST: `.next/${mode}`, NODE_ENV: mode === 'dev' ? 'development' : 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: api.publishableKey,
    NEXT_PUBLIC_CLERK_PROXY_URL: proxyUrl,
    NEXT_PUBLIC_CLERK_JS_URL: '/clerk-bundles/clerk-js/clerk.browser.js',
    NEXT_PUBLIC_CLERK_UI_URL: '/clerk-bundles/ui/ui.browser.js',
    NEXT_PUBLIC_CLERK_SIGN_IN_URL: '/sign-in',
    NEXT_PUBLIC_CLERK_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_CLERK_KEYLESS_DISABLED: '1',
    CLERK_SECRET_KEY: secretKey,
    CLERK_API_URL: api.url,
  };
  const log = [];
  const run = args => {
    const child = spawn(process.execPath, [next, ...args], { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', line => log.push(line));
    return child;
  };
  if (mode === 'start') {
    const [code] = await once(run(['build']), 'exit');
    if (code !== 0) throw new Error(`next build failed:\n${log.join('\n')}`);
  }
  const child = run([mode, '--hostname', 'localhost', '--port', new URL(url).port]);
  const exited = once(child, 'exit');
  await Promise.race([
    exited.then(() => { throw new Error(`next ${mode} ended:\n${log.join('\n')}`); }),
    new Promise(resolve => createInterface({ input: child.stdout }).on('line', line => /Ready in/.test(line) && resolve())),
  ]);
  // In development the first request compiles a page, so request each one before the tests.
  for (const page of ['/', '/sign-in', '/authenticator', '/strict']) await (await fetch(url + page)).text();
  return { url, log, stop: async () => { child.kill('SIGTERM'); await exited; } };
}
