// What the tests of the pages do in a browser, beside what ../lib has for all.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test as single } from 'node:test';
import { startCountersign } from '../lib/countersign.mjs';
import { inFile } from '../lib/infile.mjs';

export { startBrowser } from '../lib/browser.mjs';
export { secretKey as key, totp } from '../lib/countersign.mjs';

const require = createRequire(import.meta.url);

/** A test of one file, with a minute and a half of its own: one that hangs does not take the others' time. */
export const test = (name, run) => single(inFile(name), { timeout: 90_000 }, run);

/** A server with empty data, and what only these tests ask it. */
export async function startServer(...flags) {
  const server = await startCountersign('--app', 'Example', ...flags);
  return {
    ...server,
    faults: (faults) => server.dev('POST', '/faults', faults),
    /** A user with a name and a password; more is in more. */
    named: (name, more = {}) => server.createUser({ username: name, first_name: name[0].toUpperCase() + name.slice(1), email_address: [`${name}@example.com`], password: 'correct horse', ...more }),
    text: async (number) => (await server.messages(number)).at(-1),
  };
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

/** Checks a state in every look. SHOTS names a directory for a picture of each. */
export async function state(page, name) {
  const shots = process.env.SHOTS;
  if (shots) await mkdir(shots, { recursive: true });
  for (const [look, { scheme, width, height }] of Object.entries(looks)) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await accessible(page, `${name}, ${look}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${name}, ${look}: ${over} pixels do not fit`);
    if (shots) await page.screenshot({ path: path.join(shots, `${name}-${look}.png`), fullPage: true, animations: 'disabled' });
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
  await page.goto(`/sign-in?redirect_url=${at}#ticket=${await server.ticket(user.id)}`);
}

/** The session id of a visitor. */
export const sessionOf = (page) => page.evaluate(async () => (await (await fetch('/v1/client')).json()).response?.last_active_session_id);
