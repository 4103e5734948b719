// A server of its own and a browser, for the tests of the pages.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test as single } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { inFile } from '../lib/infile.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const require = createRequire(import.meta.url);
const shots = process.env.SHOTS ?? path.join(here, 'screenshots');
export const key = 'sk_test_pages';

/** A test of one file, with a minute and a half of its own: one that hangs does not take the others' time. */
export const test = (name, run) => single(inFile(name), { timeout: 90_000 }, run);

const run = (command, args, options) => new Promise((resolve, reject) => {
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
});

/** A port that nobody listens on, below those that Linux gives to connections: one of these could have it before the server does. */
const freePort = () => new Promise((resolve) => {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const s = createServer().once('error', () => resolve(freePort())).listen(port, 'localhost', () => s.close(() => resolve(port)));
});

/** Starts a server with empty data. COUNTERSIGN names a binary; without it one is built. */
export async function startServer(...flags) {
  const dir = await mkdtemp(path.join(tmpdir(), 'countersign-pages-'));
  let binary = process.env.COUNTERSIGN;
  if (!binary) {
    binary = path.join(dir, 'countersign');
    await run('go', ['build', '-o', binary, './cmd/countersign'], { cwd: root, env: { ...process.env, CGO_ENABLED: '0' } });
  }
  const url = `http://localhost:${await freePort()}`;
  const child = spawn(binary, ['serve', '--listen', url.slice(7), '--data', path.join(dir, 'data'), '--app', 'Example', ...flags], { env: { ...process.env, COUNTERSIGN_SECRET_KEY: key }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (d) => { log += d; });
  for (let i = 0; ; i++) {
    const up = await fetch(`${url}/healthz`).then((r) => r.ok, () => false);
    if (up) break;
    assert.ok(i < 100, `the server does not answer:\n${log}`);
    await new Promise((r) => setTimeout(r, 100));
  }
  const server = {
    url,
    log: () => log,
    async stop() {
      const ended = new Promise((r) => child.once('exit', r));
      child.kill('SIGTERM');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
    async call(method, at, body, headers = {}) {
      const r = await fetch(url + at, { method, headers: { 'Content-Type': 'application/json', ...headers }, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await r.text();
      assert.ok(r.ok, `${method} ${at}: ${r.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    backend: (method, at, body) => server.call(method, at, body, { Authorization: `Bearer ${key}` }),
    later: (seconds) => server.call('PATCH', '/dev/clock', { advance_seconds: seconds }),
    set: (settings) => server.backend('PATCH', '/v1/instance', settings),
    faults: (faults) => server.call('POST', '/dev/faults', faults),
    age: (session, minutes) => server.call('POST', `/dev/sessions/${session}/age`, { minutes }),
    /** A user with a name and a password; more is in more. */
    user: (name, more = {}) => server.backend('POST', '/v1/users', { username: name, first_name: name[0].toUpperCase() + name.slice(1), email_address: [`${name}@example.com`], password: 'correct horse', ...more }),
    async ticket(user) {
      return (await server.backend('POST', '/v1/sign_in_tokens', { user_id: user.id })).token;
    },
    async text(number) {
      const { messages } = await server.call('GET', `/dev/sms?phone_number=${encodeURIComponent(number)}`);
      return messages.at(-1);
    },
    async totp(secret) {
      const { now } = await server.call('GET', '/dev/clock');
      return totp(secret, Date.parse(now));
    },
  };
  return server;
}

/** RFC 6238 with SHA-1, six digits, thirty seconds: an authenticator app that is not ours. */
export function totp(secret, ms) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
  const bytes = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30000)));
  const mac = createHmac('sha1', bytes).update(counter).digest();
  const at = mac.at(-1) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, '0');
}

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A visitor: a browser profile of its own with one page. Script errors and refused content fail the test at the end. */
export async function visit(browser, server, options = {}) {
  const context = await browser.newContext({
    baseURL: server.url, viewport: { width: 1000, height: 760 }, locale: 'en-US', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'], ...options,
  });
  context.setDefaultTimeout(8000); // a text that is not there is told of soon
  context.setDefaultNavigationTimeout(30_000);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(`${e}`));
  page.on('console', (m) => {
    const text = m.text();
    // The browser itself reports answers that say no; the pages handle them.
    if (m.type() === 'error' && !/Failed to load resource/.test(text)) errors.push(text);
  });
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)));
  page.done = async () => {
    await context.close();
    assert.deepEqual(errors, []);
  };
  page.allowErrors = () => { errors.length = 0; };
  return page;
}

/** No violation of WCAG 2.2 A and AA, nor of axe's best practices. */
export async function accessible(page, what) {
  // From outside of the page's world, where its policy does not forbid it.
  await page.evaluate(await axeSource());
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`), [], what);
}

let axe;
async function axeSource() {
  const { readFile } = await import('node:fs/promises');
  axe ??= await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  return axe;
}

const looks = { light: { scheme: 'light', width: 1000, height: 760 }, dark: { scheme: 'dark', width: 1000, height: 760 }, phone: { scheme: 'light', width: 320, height: 640 } };

/** Checks a state in every look, and keeps a picture of each. */
export async function state(page, name) {
  await mkdir(shots, { recursive: true });
  for (const [look, { scheme, width, height }] of Object.entries(looks)) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await accessible(page, `${name}, ${look}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${name}, ${look}: ${over} pixels do not fit`);
    await page.screenshot({ path: path.join(shots, `${name}-${look}.png`), fullPage: true, animations: 'disabled' });
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1000, height: 760 });
}

/** Moves the focus with the Tab key until it is on what is named so. A person without a mouse gets there, or the test fails. */
export async function tab(page, name, { back = false } = {}) {
  const seen = [];
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return '';
      const ring = getComputedStyle(e);
      const label = e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.innerText ?? '';
      return { label: label.trim().replace(/\s+/g, ' '), ring: ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 2, visible: e.matches(':focus-visible') };
    });
    if (!at) continue;
    seen.push(at.label);
    if (typeof name === 'string' ? at.label.startsWith(name) : name.test(at.label)) {
      assert.ok(at.visible && at.ring, `the focus on ${at.label} cannot be seen`);
      return;
    }
  }
  assert.fail(`Tab never reaches ${name}; it went to ${[...new Set(seen)].join(' · ')}`);
}

/** Tab, then Enter. */
export async function press(page, name) {
  await tab(page, name);
  await page.keyboard.press('Enter');
}

export const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: 8000 });

export const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  return e.labels?.[0]?.innerText ?? e.innerText;
});

/** Signs in by a ticket link, up to the second factor if there is one. */
export async function enter(page, server, user, at = '/account/security') {
  await page.goto(`/sign-in?redirect_url=${at}#ticket=${await server.ticket(user)}`);
}

/** The session id of a visitor. */
export const sessionOf = (page) => page.evaluate(async () => (await (await fetch('/v1/client')).json()).response?.last_active_session_id);
