// Paths that people take: an old bookmark, a touch screen, Back, many devices, a message inside of a dialog.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { begin, browser, closed, fits, heading, key, press, server, signInByTicket, state, test, visit } from './world.js';

begin();

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

async function opened() {
  const page = await visit(browser, server);
  await page.goto('/dashboard/sign-in');
  await heading(page, 'Open the dashboard');
  await page.getByLabel('Secret key').fill(key);
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  return page;
}

/** The paths of the pages, as the server lists them. */
const sitemap = async () => [...(await readFile(new URL('../../internal/web/page.go', import.meta.url), 'utf8')).matchAll(/^\t\{"(\/[^"]+)", "\w+\.js"/gm)].map(([, at]) => at);

test('a bookmark of the dashboard, opened signed out, asks for the key and shows no error', async () => {
  const page = await visit(browser, server);
  const pages = (await sitemap()).filter((at) => at.startsWith('/dashboard')).map((at) => at.replace('{id}', 'user_gone'));
  assert.ok(pages.length >= 7, `${pages}`);
  for (const at of pages) {
    await page.goto('about:blank');
    await page.goto(at);
    await heading(page, 'Open the dashboard');
    assert.equal(await page.locator('.notice.bad, dialog, [aria-invalid]').count(), 0, `${at}: an error`);
  }
  await page.done();
});

test('a touch screen: controls of 44 pixels, and the app on this device first', async () => {
  const touch = { hasTouch: true, isMobile: true, viewport: { width: 360, height: 640 } };
  const user = await server.userNamed('toni', { phone_number: ['+14155550131', '+14155550132'], phone_number_identification_status: ['reserved', 'verified'], totp_secret: secret, backup_codes: ['abcde-12345'] });
  let page = await visit(browser, server, touch);
  const small = () => page.evaluate(() => [...document.querySelectorAll('button, a.button, summary, main input:not([type=checkbox], [type=radio])')].filter((e) => e.checkVisibility() && !e.closest('.skip, .with-button'))
    .map((e) => [e.innerText || e.name, Math.round(e.getBoundingClientRect().height)]).filter(([, height]) => height < 44));
  await signInByTicket(page, server, user);
  await heading(page, 'Check your authenticator app');
  assert.equal(await page.evaluate(() => matchMedia('(pointer: coarse)').matches), true, 'this is a touch screen');
  assert.deepEqual(await small(), [], 'the second step');
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Security');
  assert.deepEqual(await small(), [], 'security');
  await page.getByRole('button', { name: 'Remove: Authenticator app' }).tap();
  await page.getByRole('dialog').waitFor();
  assert.deepEqual(await small(), [], 'a dialog');
  await page.done();

  page = await visit(browser, server, touch);
  await signInByTicket(page, server, await server.userNamed('tina'), '/account/add-authenticator');
  await heading(page, 'Add an authenticator app');
  await page.getByText('Open the key in an authenticator app on this device').waitFor();
  const link = page.getByRole('link', { name: 'Open in my authenticator app' });
  assert.ok((await link.getAttribute('href')).startsWith('otpauth://'));
  assert.ok(!(await page.locator('.qr').isVisible()), 'the picture is for another device');
  await page.getByText('Use an app on another device').tap();
  await page.locator('.qr').waitFor();
  assert.deepEqual(await small(), [], 'adding an app');
  await state(page, 'add-authenticator-touch');
  await page.done();
});

test('Back in the task leads to the choice, never past codes that are not saved, and then on', async () => {
  const user = await server.userNamed('bert');
  await server.settings({ mfa_required: true });
  const page = await visit(browser, server);
  page.on('dialog', (d) => d.accept());
  await page.goto('/account/backup-codes');
  await heading(page, 'Sign in');
  await page.getByLabel('Email, phone').fill('bert@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Protect your account');
  await press(page, 'Authenticator app');
  await heading(page, 'Add an authenticator app');
  await page.goBack();
  await heading(page, 'Protect your account');
  await press(page, 'Text message');
  await heading(page, 'Add a phone number');
  await page.goBack();
  await heading(page, 'Protect your account');
  await press(page, 'Text message');
  await page.getByLabel('Phone number').fill('(415) 555-0133');
  await page.keyboard.press('Enter');
  await page.getByText('Code sent.').waitFor();
  await page.getByLabel('Six-digit code').fill('424242');
  await heading(page, 'Save your backup codes');
  await page.goBack();
  await heading(page, 'Save your backup codes');
  assert.equal(await page.locator('.codes li').count(), 10, 'the codes stay');
  await page.getByLabel('I have saved these codes').check();
  await press(page, 'Done');
  await heading(page, 'Your account is protected');
  await page.goBack();
  await page.waitForURL((url) => url.pathname === '/account/backup-codes');
  await heading(page, 'Backup codes');
  assert.equal((await server.sessions(user.id))[0].status, 'active');
  await server.settings({ mfa_required: false });
  await page.done();
});

test('many sessions: five at first, all at a press, and one of them ended', async () => {
  const user = await server.userNamed('mia');
  for (let n = 0; n < 7; n++) {
    const other = await visit(browser, server);
    await signInByTicket(other, server, user);
    await heading(other, 'Security');
    await other.done();
  }
  const page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await heading(page, 'Security');
  const rows = page.getByRole('region', { name: 'Where you are signed in' }).getByRole('listitem');
  const seen = async () => (await rows.evaluateAll((list) => list.filter((e) => e.checkVisibility()).length));
  assert.equal(await seen(), 5);
  await rows.first().getByText('This device').waitFor();
  await press(page, 'Show all 8');
  assert.equal(await seen(), 8);
  await state(page, 'security-all-sessions');
  await fits(page, 'security-all-sessions');
  await rows.last().getByRole('button', { name: /^Sign out/ }).click();
  await page.locator('.toast').getByText('Signed out there.').waitFor();
  assert.equal((await server.sessions(user.id)).length, 7);
  await page.done();
});

test('a message in an open dialog is in the dialog, where eyes and screen readers find it', async () => {
  await server.backend('POST', '/v1/webhook_endpoints', { url: 'http://localhost:9/hook' });
  const page = await opened();
  await page.goto('/dashboard/events');
  await heading(page, 'Events');
  await page.getByRole('button', { name: /^New secret/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Yes, continue' }).click();
  const dialog = page.getByRole('dialog', { name: 'Signing secret' });
  await dialog.waitFor();
  await dialog.getByRole('button', { name: /^Copy/ }).click();
  const status = dialog.getByRole('status');
  await status.getByText('Copied').waitFor();
  const { left, top, covered } = await status.locator('.toast').evaluate((e) => {
    e.style.pointerEvents = 'auto'; // or a point of it names what is below
    const box = e.getBoundingClientRect();
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return { left: box.left, top: box.top, covered: at !== e && !e.contains(at) };
  });
  assert.ok(left >= 0 && top >= 0 && !covered, 'nothing lies above it');
  assert.equal(await page.locator('#toasts .toast').count(), 0, 'nothing is said behind the dialog');
  await state(page, 'events-secret-copied');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await closed(page);
  await page.done();
});
