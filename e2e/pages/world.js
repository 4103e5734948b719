// Helpers for the tests of Countersign's own pages.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test as single } from 'node:test';
import { startBrowser } from '../lib/browser.mjs';
import { secretKey, startCountersign } from '../lib/countersign.mjs';
import { inFile } from '../lib/infile.mjs';
import { keysOf } from './states.js';

export { secretKey as key, totp } from '../lib/countersign.mjs';

const require = createRequire(import.meta.url);

/** A test with its own limit of 90 seconds. */
export const test = (name, run) => single(inFile(name), { timeout: 90_000 }, run);

/** A server with empty data and additional helpers. */
export async function startServer(...flags) {
  const server = await startCountersign('--app', 'Example', ...flags);
  return {
    ...server,
    faults: (faults) => server.dev('POST', '/faults', faults),
    /** Creates a user with a username and a password; more holds additional fields. */
    userNamed: (name, more = {}) => server.createUser({ username: name, first_name: name[0].toUpperCase() + name.slice(1), email_address: [`${name}@example.com`], password: 'correct horse', ...more }),
    text: async (number) => (await server.messages(number)).at(-1),
  };
}

/** The server and the browser of a test file, after begin(). Each file runs in a process of its own. */
export let server, browser;

/** Starts them before the tests of a file and stops them afterwards. prepare runs before the first test, finish after the last. */
export function begin({ prepare = () => {}, finish = () => {} } = {}) {
  before(async () => {
    [server, browser] = await Promise.all([startServer(), startBrowser()]);
    await prepare();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await finish();
  });
}

/** A page in a fresh browser profile. Script errors and policy violations fail the test at its end. */
export async function visit(browser, server, options = {}) {
  const context = await browser.newContext({
    baseURL: server.url, viewport: { width: 1000, height: 760 }, locale: 'en-US', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'], ...options,
  });
  context.setDefaultTimeout(8000); // fail soon when a text is missing
  context.setDefaultNavigationTimeout(30_000);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(`${e}`));
  page.on('console', (m) => {
    const text = m.text();
    // The browser logs every error answer; the pages handle them.
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

/** Checks WCAG 2.2 A and AA, and axe's best practices. */
export async function accessible(page, what) {
  // evaluate is not subject to the page's Content-Security-Policy.
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

const views = { light: { scheme: 'light', width: 1000, height: 760 }, dark: { scheme: 'dark', width: 1000, height: 760 }, phone: { scheme: 'light', width: 320, height: 640 } };

/** The keys of texts that the page does not show as a heading or notice. Of an open dialog it looks at that only. Runs in the page. */
function notShown(keys) {
  const { texts } = JSON.parse(document.getElementById('data')?.textContent ?? '{}');
  const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
  const shown = [...place.querySelectorAll('h1, h2, h3, .notice')].filter((e) => e.checkVisibility()).map((e) => e.innerText.trim().replace(/\s+/g, ' '));
  const matches = (text) => {
    const parts = text.replace(/\s+/g, ' ').split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    return shown.some((s) => pattern.test(s));
  };
  return keys.filter((k) => !matches(texts[k]));
}

/** Checks a state of states.js in light, dark and on a phone. SHOTS names a directory for screenshots. */
export async function state(page, name) {
  assert.deepEqual(await page.evaluate(notShown, keysOf(new URL(page.url()).pathname, name)), [], `${name}: texts that are not shown`);
  const shots = process.env.SHOTS;
  if (shots) await mkdir(shots, { recursive: true });
  for (const [view, { scheme, width, height }] of Object.entries(views)) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await accessible(page, `${name}, ${view}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${name}, ${view}: ${over} pixels too wide`);
    if (shots) await page.screenshot({ path: path.join(shots, `${name}-${view}.png`), fullPage: true, animations: 'disabled' });
  }
  await page.setViewportSize({ width: 360, height: 640 });
  await mirrored(page, name);
  await forced(page, name, shots);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce', forcedColors: 'none' });
  await page.setViewportSize({ width: 1000, height: 760 });
}


/** The texts that a reader cannot see whole: outside of a clipping element, of their button or cell, of the page, or of a select. Runs in the page. */
function cutTexts() {
  const found = [];
  const outside = (text, box) => text.left < box.left - 1 || text.right > box.right + 1;
  const visible = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const aside = '.hidden, .skip, .who, option, noscript, script, style'; // for screen readers, for Tab, or a user's own words
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(aside) || !visible(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((r) => r.width > 0);
    for (let e = parent; e && rects.length > 0; e = e.parentElement) {
      const style = getComputedStyle(e);
      const box = e.getBoundingClientRect();
      if (style.clipPath !== 'none' || /auto|scroll/.test(style.overflowX)) break; // for screen readers, or reached by scrolling
      const clips = /hidden|clip/.test(style.overflowX) || e.matches('button, .button, .badge, td, th, .card, dialog, html');
      const low = /hidden|clip/.test(style.overflowY) && rects.some((r) => r.top < box.top - 1 || r.bottom > box.bottom + 1);
      if (clips && rects.some((r) => outside(r, box)) || low) {
        found.push(`"${node.data.trim()}" leaves <${e.localName} class="${e.getAttribute('class') ?? ''}">`);
        break;
      }
    }
  }
  for (const select of [...document.querySelectorAll('select')].filter(visible)) {
    const style = getComputedStyle(select);
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const room = select.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
    const text = select.selectedOptions[0]?.textContent ?? '';
    if (pen.measureText(text).width > room) found.push(`"${text}" leaves its select`);
  }
  return found;
}

const sizes = [{ width: 320, zoom: '100%' }, { width: 640, zoom: '200%' }];

/** Checks that no text of a state is cut at 320 pixels (WCAG 2.2, 1.4.10) and at twice the size of text (1.4.4). */
export async function fits(page, name) {
  for (const { width, zoom } of sizes) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((size) => { document.documentElement.style.fontSize = size; }, zoom);
    const shots = process.env.SHOTS;
    if (shots) await page.screenshot({ path: path.join(shots, `${name}-${width}.png`), fullPage: true, animations: 'disabled' });
    assert.deepEqual(await page.evaluate(cutTexts), [], `${name}, ${width} pixels at ${zoom}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${name}, ${width} pixels at ${zoom}: ${over} pixels too wide`);
  }
  await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  await page.setViewportSize({ width: 1000, height: 760 });
}

/** Checks that a page from right to left stays within a narrow window. */
async function mirrored(page, name) {
  const beyond = await page.evaluate(() => {
    const root = document.documentElement;
    root.dir = 'rtl';
    const inside = (e) => e.closest('.scroll, .hidden, .skip, thead, .drawing, [hidden]');
    const list = [...document.querySelectorAll('main *, dialog *, header *')].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width > 1 && (box.left < -1 || box.right > root.clientWidth + 1) && !inside(e);
    }).map((e) => e.outerHTML.slice(0, 120));
    root.dir = 'ltr';
    return list;
  });
  assert.deepEqual(beyond, [], `${name}, from right to left: outside of the window`);
}

/**
 * Checks that colours which the user's system forces hide nothing: each control and dialog has an edge, since its background is gone.
 * And nothing moves for users who asked for reduced motion.
 */
async function forced(page, name, shots) {
  await page.emulateMedia({ colorScheme: 'dark', forcedColors: 'active', reducedMotion: 'reduce' });
  const lost = await page.evaluate(() => {
    const edged = (e) => {
      const style = getComputedStyle(e);
      return parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== 'none' || style.textDecorationLine.includes('underline') || e.querySelector('svg');
    };
    const marked = [...document.querySelectorAll('button, a.button, input:not([type=checkbox], [type=radio], [type=color], [hidden], [type=hidden]), select, dialog[open], .toast, .notice, nav [aria-current], [role=switch]')];
    return marked.filter((e) => e.checkVisibility() && !edged(e)).map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(lost, [], `${name}, forced colours: without an edge`);
  const moving = await page.evaluate(() => document.getAnimations().filter((a) => a.playState === 'running' && a.effect.getComputedTiming().activeDuration > 10).map((a) => `${a.animationName ?? a.transitionProperty} on ${a.effect.target.outerHTML.slice(0, 80)}`));
  assert.deepEqual(moving, [], `${name}, reduced motion: moving`);
  if (shots) await page.screenshot({ path: path.join(shots, `${name}-forced.png`), fullPage: true, animations: 'disabled' });
}

/** Presses Tab until the focus is on the element with this label. Fails when Tab does not reach it, or when the focus is not visible. */
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

/** Waits until the server has done something after a request, such as counting: when done() is true. */
export async function eventually(what, done) {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not in 20 seconds: ${what}`);
}

/** Waits until a dialog has left the document. A closed dialog has no role, and leaves a moment later. */
export const closed = (page) => page.locator('dialog').waitFor({ state: 'detached' });

/** Waits for the heading that a page's script rendered. Before, the page shows its title as one. */
export const heading = (page, text) => page.getByRole('heading', { level: 1, name: text }).and(page.locator(':not(.waiting > h1)')).waitFor({ timeout: 8000 });

export const focused = (page) => page.evaluate(() => {
  const e = document.activeElement;
  return e.labels?.[0]?.innerText ?? e.innerText;
});

/** Opens the dashboard in a fresh browser profile, and one of its tabs. operator is the name of the audit log. */
export async function openDashboard(name, { operator = '', of = server } = {}) {
  const page = await visit(browser, of);
  await page.goto('/dashboard');
  await heading(page, 'Open the dashboard');
  await page.keyboard.type(secretKey);
  await page.getByLabel('Your name').fill(operator);
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  if (!name) return page;
  // The strip of a development server has a link of the same name.
  await page.locator('nav.tabs').getByRole('link', { name, exact: true }).press('Enter');
  await heading(page, name);
  return page;
}

/** Opens a sign-in link with a ticket. A user with a second factor is asked for it. */
export async function signInByTicket(page, server, user, at = '/account/security') {
  await page.goto(`/sign-in?redirect_url=${at}#ticket=${await server.ticket(user.id)}`);
}

/** The id of the page's session. */
export const sessionOf = (page) => page.evaluate(async () => (await (await fetch('/v1/client')).json()).response?.last_active_session_id);
