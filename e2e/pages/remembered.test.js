// Remembered devices: the choice at sign-in, the list on the security page, the dashboard.

import assert from 'node:assert/strict';
import { begin, browser, closed, fits, heading, openDashboard, press, server, sessionOf, state, test, visit } from './world.js';

const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
begin({ prepare: () => server.backend('PATCH', '/v1/instance', { remember_device_days: 30 }) });

/** Types the name and the password of a user. */
async function password(page, name, at = '/account/security') {
  await page.goto(`/sign-in?redirect_url=${at}`);
  await page.getByLabel('Username').fill(name);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
}

/** Signs in with both factors, and has the device remembered. */
async function remember(page, name) {
  await password(page, name);
  await heading(page, 'Check your authenticator app');
  await page.getByLabel('Remember this device for 30 days').check();
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Security');
}

/** Ends the session or the sign-in of the browser. */
const signOut = (page) => page.evaluate(() => fetch('/v1/client/sessions', { method: 'DELETE' }));

test('one of two browsers is remembered, for 30 days', async () => {
  await server.userNamed('rita', { totp_secret: secret });
  const page = await visit(browser, server);
  await password(page, 'rita');
  await heading(page, 'Check your authenticator app');
  await page.getByText('Sign-in here then needs no second step.').waitFor();
  await state(page, 'remember-choice');
  await signOut(page);
  await remember(page, 'rita');
  await page.getByRole('heading', { name: 'Remembered devices' }).waitFor();
  await state(page, 'remembered-one');
  await signOut(page);

  await server.advance(29 * 24 * 3600);
  await password(page, 'rita');
  await heading(page, 'Security'); // no second step
  const other = await visit(browser, server);
  await password(other, 'rita');
  await heading(other, 'Check your authenticator app');
  await signOut(page);
  await server.advance(24 * 3600);
  await password(page, 'rita');
  await heading(page, 'Check your authenticator app');
  await page.done();
  await other.done();
});

test('a change on a remembered device asks for the second step', async () => {
  await server.userNamed('carl', { totp_secret: secret });
  const page = await visit(browser, server);
  await remember(page, 'carl');
  await signOut(page);
  await password(page, 'carl');
  await heading(page, 'Security');
  await page.getByRole('button', { name: 'Remove: Authenticator app' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
  await page.getByRole('heading', { name: 'Check your authenticator app' }).waitFor();
  assert.equal(await page.getByLabel(/Remember this device/).count(), 0, 'a step-up offers to remember the device');
  await page.done();
});

test('devices are forgotten, one and all', async () => {
  await server.userNamed('dora', { totp_secret: secret });
  const pages = [];
  for (let i = 0; i < 3; i++) {
    const page = await visit(browser, server);
    pages.push(page);
    await server.advance(31);
    await remember(page, 'dora');
  }
  const page = pages.at(-1);
  const section = page.getByRole('region', { name: 'Remembered devices' }).or(page.locator('section[aria-label="Remembered devices"]'));
  await section.getByRole('listitem').nth(2).waitFor();
  assert.equal(await section.getByText('This device').count(), 1);
  await state(page, 'remembered-devices');
  await section.getByRole('button', { name: /^Forget: / }).last().click();
  await page.getByText('Forgotten. The next sign-in there asks for the second step.').waitFor();
  assert.equal(await section.getByRole('listitem').count(), 2);
  await section.getByRole('button', { name: 'Forget all' }).click();
  await page.getByRole('heading', { name: 'Forget all remembered devices?' }).waitFor();
  await state(page, 'remembered-confirm');
  await page.getByRole('dialog').getByRole('button', { name: 'Forget all' }).click();
  await closed(page);
  await page.getByText('All devices were forgotten.').waitFor();
  assert.equal(await section.count(), 0);
  await page.getByText('Remembered device forgotten').first().waitFor();
  await signOut(page);
  await password(page, 'dora');
  await heading(page, 'Check your authenticator app');
  for (const p of pages) await p.done();
});

test('without the setting nothing is offered or listed', async () => {
  await server.backend('PATCH', '/v1/instance', { remember_device_days: 0 });
  await server.userNamed('emil', { totp_secret: secret });
  const page = await visit(browser, server);
  await password(page, 'emil');
  await heading(page, 'Check your authenticator app');
  assert.equal(await page.getByLabel(/Remember this device/).count(), 0);
  await server.advance(31);
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Security');
  assert.equal(await page.getByText('Remembered devices').count(), 0);
  await page.done();
  await server.backend('PATCH', '/v1/instance', { remember_device_days: 30 });
});

test('the dashboard: the setting, and a user’s devices', async () => {
  const user = await server.userNamed('fred', { totp_secret: secret });
  const visitor = await visit(browser, server);
  await server.advance(31);
  await remember(visitor, 'fred');
  const page = await openDashboard();
  const days = page.getByLabel('Days a device is remembered');
  assert.equal(await days.inputValue(), '30');
  for (const wrong of ['', '91', '-1', '1.', 'x']) {
    await days.fill(wrong);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Enter a whole number from 0 to 90.').waitFor();
  }
  await state(page, 'remembered-setting');
  await days.fill('60');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await server.backend('GET', '/v1/instance')).remember_device_days, 60);
  await page.goto(`/dashboard/users/${user.id}`);
  await page.getByRole('heading', { name: 'Remembered devices' }).waitFor();
  await state(page, 'remembered-user');
  await press(page, 'Forget');
  await page.getByText('The device was forgotten.').waitFor();
  assert.equal((await server.backend('GET', `/v1/users/${user.id}/remembered_devices`)).total_count, 0);
  assert.ok(await sessionOf(visitor), 'the session lives on');
  await page.done();
  await visitor.done();
});

test('the choice in each language', async () => {
  await server.userNamed('gina', { totp_secret: secret });
  for (const language of ['de', 'es', 'fr', 'ja', 'pt']) {
    const page = await visit(browser, server, { locale: language });
    await page.goto('/sign-in');
    await page.locator('input[name=username]').fill('gina');
    await page.locator('input[name=password]').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('checkbox').waitFor();
    await fits(page, `remember-${language}`);
    await page.done();
  }
});
