// The dashboard's charts with real events of the server.

import assert from 'node:assert/strict';
import { begin, browser, eventually, heading, key, openDashboard, press, server, signInByTicket, state, tab, test, visit } from './world.js';

begin();

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

const opened = () => openDashboard('Statistics');

test('verifications by method and what went wrong, by day', async () => {
  let page = await opened();
  await page.getByText('Last 30 days. No verification.').waitFor();
  await state(page, 'statistics-nothing');
  await page.done();

  const backup = ['abcde-12345', 'fghij-67890'];
  const user = await server.userNamed('mona', { totp_secret: secret, phone_number: ['+14155550171'], phone_number_identification_status: ['reserved'], backup_codes: backup });
  const check = async (code) => {
    const r = await fetch(`${server.url}/v1/users/${user.id}/verify_totp`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` }, body: JSON.stringify({ code }) });
    return r.status;
  };
  for (let day = 0; day < 5; day++) {
    for (let i = 0; i <= day; i++) {
      assert.equal(await check(await server.totp(secret)), 200);
      await server.advance(60);
    }
    if (day % 2 === 0) assert.equal(await check('000000'), 422);
    if (day === 3) assert.equal(await check(backup[0]), 200);
    await server.advance(86400);
  }
  const visitor = await visit(browser, server);
  await signInByTicket(visitor, server, user);
  await heading(visitor, 'Check your authenticator app');
  await press(visitor, 'Text message');
  await visitor.getByText('Code sent.').waitFor();
  await visitor.keyboard.type('424242');
  await heading(visitor, 'Security');
  await visitor.done();

  await eventually('17 verifications are counted', async () => (await server.backend('GET', '/v1/statistics')).verifications.reduce((sum, s) => sum + s.total, 0) === 17);
  page = await opened();
  await page.getByText('Last 30 days. Verifications: 17. Most used: Authenticator app.').waitFor();
  await page.getByText('Last 30 days. Wrong codes and passwords, repeated codes, locks: 3.').waitFor();
  await state(page, 'statistics');
  const counted = (await server.backend('GET', '/v1/statistics')).verifications;
  assert.deepEqual(counted.map((s) => [s.name, s.total]), [['totp', 15], ['backup_code', 1], ['phone_code', 1]]);
  await tab(page, /Authenticator app 0, Backup code 0, Text message 1/);
  await page.keyboard.press('ArrowLeft');
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /Authenticator app 5, Backup code 0, Text message 0/);
  await press(page, 'Show as a table');
  await page.getByRole('table').first().waitFor();
  assert.equal(await page.locator('tbody').first().locator('tr').count(), 30);
  await page.getByLabel('Period').selectOption('7');
  await page.getByText(/Last 7 days\. Verifications/).waitFor();
  assert.equal(await page.locator('.chart').first().locator('.point').count(), 7);
  await page.done();
});

test('own days: a first and a last one in UTC, kept in the address, and at most ninety', async () => {
  const page = await opened();
  await page.getByText(/^Activity by day\..*A day begins at .* in your time zone \(UTC\)\.$/).waitFor();
  await page.getByLabel('Period').selectOption('Choose days');
  const at = async (days) => new Date(Date.parse((await server.dev('GET', '/clock')).now) + days * 86400000).toISOString().slice(0, 10);
  await page.getByLabel('From').fill(await at(-9));
  await page.getByLabel('To', { exact: true }).fill(await at(-3));
  await page.waitForFunction(() => document.querySelector('.chart')?.querySelectorAll('.point').length === 7);
  await state(page, 'statistics-days');
  const marks = await page.locator('.chart').first().locator('.point').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label').split(':')[0]));
  const named = (text) => new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(text));
  assert.deepEqual([marks[0], marks.at(-1)], [named(await at(-9)), named(await at(-3))]);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.chart')?.querySelectorAll('.point').length === 7);
  await page.getByLabel('From').fill(await at(-120));
  await page.getByText('At most 90 days.').waitFor();
  await page.getByLabel('Period').selectOption('7');
  await page.locator('.chart').first().waitFor();
  assert.equal(new URL(page.url()).search, '');
  await page.done();
});

test('no network says so', async () => {
  const page = await opened();
  await page.route('**/v1/statistics?*', (route) => route.abort());
  await page.getByLabel('Period').selectOption('90');
  await page.getByText('No connection.').waitFor();
  await page.unroute('**/v1/statistics?*');
  await press(page, 'Try again');
  await page.locator('.chart').first().waitFor();
  await page.done();
});
