// A Next.js app with clerkMiddleware: development with an absolute proxy address, and a production build with a relative one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { journey, startBrowser } from '../lib/browser.mjs';
import { startCountersign, wrong } from '../lib/countersign.mjs';
import { startNext } from '../lib/next.mjs';
import { alerted, fill, heading, open, password, press, secondFactors, session, shownCodes, shows, newUser, status } from '../lib/person.mjs';

async function signIn(w, page, max, code) {
  await heading(page, 'Sign in');
  await fill(page, 'E-mail', max.email);
  await fill(page, 'Password', password);
  await press(page, 'Continue');
  if (!code) return;
  await page.getByLabel('Method').selectOption('backup_code');
  await fill(page, 'Code', code);
  await press(page, 'Verify');
}

for (const [mode, proxy] of [['dev', 'absolute'], ['start', 'relative']]) {
  describe(`next ${mode}, ${proxy} proxy`, () => {
    const w = { limit: 60_000 }, stops = []; // development compiles protected pages at the first request
    before(async () => {
      w.api = await startCountersign();
      stops.push(w.api.stop);
      w.site = await startNext(w.api, mode, proxy === 'absolute' ? w.api.url : '/__clerk');
      stops.push(w.site.stop);
      w.browser = await startBrowser();
      stops.push(() => w.browser.close());
    }, { timeout: 600_000 });
    after(async () => {
      for (const stop of stops.reverse()) await stop();
    });

    journey('a page for members sends to sign-in and back, and the server knows who it is', w, async ({ page }) => {
      const max = await newUser(w, secondFactors());
      await open(w, page, '/protected');
      await signIn(w, page, max, 'aaaaa-aaaaa');
      await alerted(page, 'form_code_incorrect');
      await fill(page, 'Code', max.backup[0]);
      await press(page, 'Verify');
      await heading(page, `Only for ${max.email}`);
      await status(page, `Signed in as ${max.email}, two factors`);
      await open(w, page, '/');
      const seen = page.getByText('The server sees');
      await shows(seen, max.id);
      const [live] = await w.api.sessions(max.id);
      assert.equal(await seen.getAttribute('data-session'), live.id);
      assert.equal(await session(page), live.id);
      assert.deepEqual(await page.evaluate(() => fetch('/api/whoami').then(r => r.json())), { userId: max.id });

      await press(page, 'Sign out');
      await status(page, 'Signed out');
      await page.reload();
      await shows(seen, 'nobody');
      assert.notEqual(await page.evaluate(() => fetch('/api/whoami', { redirect: 'manual' }).then(r => r.status)), 200);
      assert.deepEqual(await w.api.sessions(max.id), []);
    });

    journey('the app\'s own server asks for step-up, and Clerk\'s modal answers', w, async ({ page }) => {
      const max = await newUser(w);
      await open(w, page, '/sign-in');
      await signIn(w, page, max);
      await status(page, 'Signed in');
      await open(w, page, '/strict');
      await press(page, 'Pay');
      await shows(page.locator('pre'), max.id);
      await w.api.age(await session(page), 11);
      await page.evaluate(() => window.Clerk.session.getToken({ skipCache: true }));
      await press(page, 'Pay');
      const modal = page.locator('.cl-modalContent');
      await modal.getByLabel('Password', { exact: true }).fill(password);
      await modal.getByRole('button', { name: 'Continue' }).click();
      await modal.waitFor({ state: 'detached' });
      await shows(page.locator('pre'), '"paid":2');
    });

    journey('an authenticator app enrolled on a page whose effects run twice', w, async ({ page, calls }) => {
      const max = await newUser(w);
      await open(w, page, '/sign-in');
      await signIn(w, page, max);
      await status(page, 'Signed in');
      await page.getByRole('link', { name: 'Authenticator' }).click(); // the user is loaded when the page mounts
      const secret = await page.getByLabel('Secret').innerText();
      const code = await w.api.totp(secret);
      await fill(page, 'Code', wrong(code));
      await press(page, 'Verify');
      await alerted(page, 'form_code_incorrect');
      await fill(page, 'Code', await w.api.totp(secret));
      await press(page, 'Verify');
      const [first] = await shownCodes(page);
      await status(page, 'two factors');
      const user = await w.api.user(max.id);
      assert.deepEqual([user.totp_enabled, user.backup_code_enabled], [true, true]);
      const used = await w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code: first });
      assert.equal(used.code_type, 'backup_code');
      assert.equal(calls.filter(c => c.startsWith('POST') && c.includes('/v1/me/totp 200')).length, mode === 'dev' ? 2 : 1);
    });

    test('the server complained about nothing', () => {
      const harmless = [
        '⨯ agentUpgrade', // the line about it at the start
        // React says so of a page whose browser went on to another page before the end of the answer.
        '⨯ Error: The destination stream errored while writing data.',
      ];
      assert.deepEqual(w.site.log.filter(line => /error|⨯|infinite redirect/i.test(line) && !harmless.includes(line.trim())), []);
    });
  });
}
