// Recovery: the second step is removed after days, unless the owner or an administrator cancels it.

import assert from 'node:assert/strict';
import { until } from '../lib/countersign.mjs';
import { begin, browser, heading, openDashboard, press, server, signInByTicket, state, test, visit } from './world.js';

begin({ prepare: () => server.settings({ recovery_days: 3, notify_by_text: true }) });

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const day = 24 * 3600;

/** Signs in with the password alone. */
async function withPassword(name) {
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await page.getByLabel('Email, phone').fill(`${name}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  return page;
}

/** Asks for the recovery after the first step. */
async function ask(name, states) {
  const page = await withPassword(name);
  await press(page, 'I can’t use any of these');
  await heading(page, 'Lost your second step?');
  if (states) await state(page, 'recovery-offer');
  await press(page, 'Remove it in 3 days');
  await heading(page, 'Your request is waiting');
  if (states) await state(page, 'recovery-waits');
  return page;
}

test('a person without a second step asks, waits, and sets up a new one', async () => {
  await server.userNamed('rosa', { totp_secret: secret });
  const page = await ask('rosa', true);
  await press(page, 'Back to the second step');
  await heading(page, 'Check your authenticator app');
  await press(page, 'I can’t use any of these');
  await heading(page, 'Your request is waiting'); // it says so again, and asks nothing twice
  await server.advance(3 * day + 60);
  const after = await withPassword('rosa');
  await heading(after, 'Protect your account');
  await after.done();
  await page.done();
});

test('the owner is told on every page and cancels with one press', async () => {
  const user = await server.userNamed('olga', { totp_secret: secret, phone_number: ['+12015550142'] });
  const owner = await visit(browser, server);
  await signInByTicket(owner, server, user);
  await heading(owner, 'Check your authenticator app');
  await owner.keyboard.type(await server.totp(secret));
  await heading(owner, 'Security');
  const asking = await ask('olga');
  await asking.done();
  await owner.reload();
  await owner.getByText('Someone asked to remove your second step.').waitFor();
  await state(owner, 'security-recovery');
  const told = await until(() => server.text('+12015550142'), 'the message');
  assert.match(told.text, /cancel it/);
  await owner.goto('/account/add-phone');
  await owner.locator('.banner').getByText('Someone asked to remove your second step.').waitFor();
  await state(owner, 'account-recovery');
  await owner.goto('/account/security');
  await press(owner, 'Cancel the removal');
  await owner.locator('.toast').getByText('The removal is cancelled.').waitFor();
  assert.equal(await owner.getByText('Someone asked to remove your second step.').count(), 0);
  await server.advance(4 * day);
  const again = await withPassword('olga');
  await heading(again, 'Check your authenticator app');
  await again.done();
  await owner.done();
});

test('an administrator cancels it on the user’s page', async () => {
  const user = await server.userNamed('pia', { totp_secret: secret });
  await (await ask('pia')).done();
  const page = await openDashboard();
  await page.goto(`/dashboard/users/${user.id}`);
  await page.getByText('Removal of the second step').waitFor();
  await state(page, 'user-recovery');
  await page.locator('li', { hasText: 'Removal of the second step' }).getByRole('button').click();
  await page.locator('.toast').getByText('The removal of the second step is cancelled.').waitFor();
  assert.equal(await page.locator('li', { hasText: 'Waiting until' }).count(), 0);
  await page.done();
});

test('a request that an administrator cancelled meanwhile is gone after the press too', async () => {
  const user = await server.userNamed('mia', { totp_secret: secret });
  const owner = await visit(browser, server);
  await signInByTicket(owner, server, user);
  await heading(owner, 'Check your authenticator app');
  await owner.keyboard.type(await server.totp(secret));
  await heading(owner, 'Security');
  await (await ask('mia')).done();
  await owner.reload();
  await owner.getByText('Someone asked to remove your second step.').waitFor();
  await server.backend('DELETE', `/v1/users/${user.id}/recovery`);
  await press(owner, 'Cancel the removal');
  await owner.locator('.toast').getByText('The removal is cancelled.').waitFor();
  assert.equal(await owner.getByText('Someone asked to remove your second step.').count(), 0);
  await owner.done();
});

test('the days are a setting of the dashboard', async () => {
  const page = await openDashboard();
  const days = page.getByLabel('Days until a recovery completes');
  await days.fill('2');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter 0, or a whole number from 3 to 30.').waitFor();
  await days.fill('5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.toast').getByText('Saved').waitFor();
  assert.equal((await server.backend('GET', '/v1/instance')).recovery_days, 5);
  await server.settings({ recovery_days: 3 });
  await page.done();
});
