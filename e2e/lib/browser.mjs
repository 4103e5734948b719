// The system's Chromium, and tests in it that fail when a page contacts another host or throws.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { inFile } from './infile.mjs';

/** The calls whose path clerk-js ends in a slash: infra/plan has routes for them. Another one would need a second request on AWS. */
const slashed = ['POST /v1/me/backup_codes/', 'POST /v1/me/phone_numbers/'];

const loopback = ['localhost', '127.0.0.1', '[::1]'];

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  });
}

/** A fresh browser profile that records requests to other hosts, lost calls and errors. limit is the time to wait for an element, in milliseconds. */
export async function visitor(browser, limit = 20_000) {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(limit);
  context.setDefaultNavigationTimeout(60_000);
  const foreign = [], thrown = [], lost = [], calls = [], slashes = [];
  context.on('request', request => {
    const url = new URL(request.url());
    const slash = /\/v1\/.*\/$/.exec(url.pathname)?.[0];
    if (slash && !slashed.includes(`${request.method()} ${slash}`)) slashes.push(`${request.method()} ${slash}`);
    if (/^(https?|wss?):$/.test(url.protocol) && !loopback.includes(url.hostname)) foreign.push(request.url());
  });
  context.on('response', async response => {
    const url = new URL(response.url());
    if (/\/v1\//.test(url.pathname)) calls.push(`${response.request().method()} ${url.pathname}${url.searchParams.has('_method') ? ` (${url.searchParams.get('_method')})` : ''} ${response.status()}`);
  });
  context.on('requestfailed', request => {
    // An answer that CORS hides from the page is a failure too. A request that the page itself aborted is not.
    const why = request.failure().errorText;
    if (new URL(request.url()).pathname.includes('/v1/') && why !== 'net::ERR_ABORTED') lost.push(`${request.method()} ${request.url()}: ${why}`);
  });
  context.on('weberror', error => thrown.push(error.error().stack ?? String(error.error())));
  return {
    context, calls,
    verify: () => {
      assert.deepEqual(foreign, [], 'requests to other hosts');
      assert.deepEqual(slashes, [], 'calls with a slash at the end of the path');
      assert.deepEqual(lost, [], 'calls whose answer the page could not read');
      assert.deepEqual(thrown, [], 'uncaught errors on the page');
    },
    story: async () => {
      const pages = await Promise.all(context.pages().map(async p => `${p.url()}\n${(await p.locator('body').innerText().catch(() => '(no text)')).trim()}`));
      return [...pages, 'last calls:', ...calls.slice(-15), ...lost, ...thrown, ...foreign].join('\n');
    },
  };
}

/** A test in a fresh browser profile. Its failure shows the last state of the page. */
export function journey(name, world, run) {
  test(inFile(name), { timeout: 240_000 }, async () => {
    const who = await visitor(world.browser, world.limit);
    try {
      await run({ ...who, page: await who.context.newPage() });
      who.verify();
    } catch (error) {
      throw new Error(`${error.message}\n--- on the screen\n${await who.story()}\n---`, { cause: error });
    } finally {
      await who.context.close();
    }
  });
}
