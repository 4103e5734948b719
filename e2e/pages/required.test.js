// A second factor that is required from a date on: of chosen people, and of all.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { begin, browser, closed, fits, heading, key, press, server, signInByTicket, state, test, visit } from './world.js';

begin();

const day = 86_400_000;
const now = async () => (await server.dev('GET', '/clock')).now;
const inDays = async (days) => new Date(await now()).getTime() + days * day;
const mark = (user, from) => server.backend('PATCH', `/v1/users/${user.id}`, { mfa_required: true, ...(from && { mfa_required_from: from }) });
const long = (ms, language) => new Intl.DateTimeFormat(language, { dateStyle: 'long' }).format(ms);

async function signIn(page, name, at = '/account/security') {
  await page.goto(`/sign-in?redirect_url=${at}`);
  await page.getByLabel('Email, phone').fill(`${name}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
}

test('before the date, the sign-in and the security page say by when; the person may put it off', async () => {
  const anna = await server.userNamed('anna');
  await server.userNamed('ben');
  const from = await inDays(5);
  await mark(anna, from);
  const page = await visit(browser, server);
  await signIn(page, 'anna');
  await heading(page, 'Protect your account');
  await page.getByText(`Please add a second step before ${long(from, 'en-US')}.`).waitFor();
  await state(page, 'required-early');
  await fits(page, 'required-early');
  await press(page, 'Later');
  await page.waitForURL('**/account/security');
  await heading(page, 'Security');
  await page.locator('.notice').getByText(`before ${long(from, 'en-US')}`).waitFor();
  await state(page, 'required-security');
  await fits(page, 'required-security');
  assert.equal((await server.backend('GET', `/v1/sessions?user_id=${anna.id}`))[0].status, 'active');
  await page.goto('/sign-in?redirect_url=/account/security'); // signed in already: the page does not ask again
  await heading(page, 'Security');
  const other = await visit(browser, server);
  await signIn(other, 'ben');
  await heading(other, 'Security');
  assert.equal(await other.getByText('Please add a second step').count(), 0);
  for (const p of [page, other]) await p.done();
});

test('near the date, the page says the time', async () => {
  const user = await server.userNamed('nora');
  const from = await inDays(0.5);
  await mark(user, from);
  const page = await visit(browser, server);
  await signIn(page, 'nora');
  const at = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short' }).format(from);
  await page.getByText(`Please add a second step before ${at}.`).waitFor();
  await page.done();
});

test('a person who adds the second step early goes on to the application', async () => {
  const user = await server.userNamed('emil');
  await mark(user, await inDays(5));
  const page = await visit(browser, server);
  await signIn(page, 'emil', '/account/backup-codes');
  await heading(page, 'Protect your account');
  await press(page, 'Text message A code');
  await heading(page, 'Add a phone number');
  await page.keyboard.type('(415) 555-0141');
  await page.keyboard.press('Enter');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('424242');
  await heading(page, 'Save your backup codes');
  await press(page, 'Copy');
  await page.getByLabel('I have saved these codes').check();
  await press(page, 'Done');
  await heading(page, 'Your account is protected');
  await press(page, 'Continue');
  await page.waitForURL('**/account/backup-codes');
  await page.goto('/account/security');
  await page.getByText('Two-step sign-in is on.').waitFor();
  assert.equal(await page.getByText('Please add a second step').count(), 0);
  await page.done();
});

test('from the date on, the session has the task; then the last factor stays', async () => {
  const user = await server.userNamed('dora');
  await mark(user, await inDays(1));
  const page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await heading(page, 'Protect your account');
  await press(page, 'Later');
  await heading(page, 'Security');
  await server.advance(day / 1000);
  await page.reload();
  await heading(page, 'Protect your account');
  await page.getByText('This app asks for a second step when you sign in.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  assert.equal(await page.getByText('Later').count(), 0);
  await page.done();

  const again = await visit(browser, server);
  await server.backend('PATCH', `/v1/users/${user.id}`, { totp_secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' });
  await signInByTicket(again, server, user);
  await heading(again, 'Check your authenticator app');
  await again.keyboard.type(await server.totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'));
  await heading(again, 'Security');
  await again.getByText('A second step is required here.').waitFor();
  await state(again, 'required-last');
  await again.done();
});

test('the date in each language', async () => {
  const user = await server.userNamed('lena');
  const from = await inDays(9);
  await mark(user, from);
  for (const language of ['de', 'es', 'fr', 'ja', 'pt']) {
    const page = await visit(browser, server, { locale: language });
    await signInByTicket(page, server, user);
    await page.getByText(long(from, language)).waitFor();
    await fits(page, `required-${language}`);
    await page.done();
  }
});

async function dashboard() {
  const page = await visit(browser, server);
  await page.goto('/dashboard');
  await heading(page, 'Open the dashboard');
  await page.keyboard.type(key);
  await page.getByLabel('Your name').fill('Olga');
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  return page;
}

test('an operator requires a second factor of one user, sees who is due, and stops', async () => {
  const user = await server.userNamed('fred');
  const page = await dashboard();
  await page.goto(`/dashboard/users/${user.id}`);
  await page.getByText('A second factor is not required').waitFor();
  await press(page, 'Require');
  await page.getByRole('heading', { name: 'Require a second factor of Fred?' }).waitFor();
  await page.getByLabel('From', { exact: true }).fill('2031-12-03');
  await press(page, 'Require');
  await page.getByText('Enter a reason.').waitFor();
  await state(page, 'required-dialog');
  await page.getByLabel('Reason').fill('Handles payments');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('From Dec 3, 2031').waitFor();
  await state(page, 'required-user');
  const stored = await server.backend('GET', `/v1/users/${user.id}`);
  assert.deepEqual([stored.mfa_required, stored.mfa_required_from], [true, new Date(2031, 11, 3).getTime()]);
  const [entry] = (await server.backend('GET', `/v1/users/${user.id}/audit_events?limit=5`)).data.filter((e) => e.type === 'user.mfa_required');
  assert.deepEqual([entry.operator, entry.reason], ['Olga', 'Handles payments']);

  await page.goto('/dashboard/users');
  await page.getByLabel('Show').selectOption('MFA due');
  await page.getByRole('link', { name: 'Fred' }).waitFor();
  await page.getByText('MFA due Dec 3, 2031').waitFor();
  const due = (await server.backend('GET', '/v1/users/count?mfa_due=true')).total_count;
  assert.equal(await page.locator('tbody tr').count(), due);
  await state(page, 'required-list');
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Export as CSV')]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
  const columns = lines[0].split(',');
  const cells = lines.find((l) => l.includes('fred@example.com')).split(',');
  assert.equal(cells[columns.indexOf('mfa_required')], 'true');
  assert.equal(cells[columns.indexOf('mfa_due_at')], new Date(2031, 11, 3).toISOString());
  await page.reload();
  await page.getByRole('link', { name: 'Fred' }).click();

  await press(page, 'Change date');
  assert.equal(await page.getByLabel('From', { exact: true }).inputValue(), '2031-12-03');
  await page.getByLabel('From', { exact: true }).fill('2031-12-05');
  await page.getByLabel('Reason').fill('Back from leave on the 4th');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('From Dec 5, 2031').waitFor();
  await press(page, 'Stop requiring');
  await page.getByRole('heading', { name: 'Stop requiring a second factor of Fred?' }).waitFor();
  await state(page, 'required-stop');
  await page.getByLabel('Reason').fill('Changed team');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('A second factor is not required').waitFor();
  assert.equal((await server.backend('GET', `/v1/users/${user.id}`)).mfa_required, false);
  await page.done();
});

test('the settings: a date for all, and days to set it up', async () => {
  const page = await dashboard();
  await page.getByRole('switch', { name: /Require multi-factor/ }).check();
  await page.getByLabel('Required from').fill('2032-01-15');
  await page.getByLabel('Days to set it up').fill('91');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter a number from 0 to 90.').waitFor();
  await page.getByLabel('Days to set it up').fill('14');
  await state(page, 'required-settings');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const saved = await server.backend('GET', '/v1/instance');
  assert.deepEqual([saved.mfa_required, saved.mfa_required_from, saved.mfa_grace_days], [true, new Date(2032, 0, 15).getTime(), 14]);
  await page.reload();
  await heading(page, 'Multi-factor');
  assert.equal(await page.getByLabel('Required from').inputValue(), '2032-01-15');
  await page.getByLabel('Required from').fill('');
  await page.getByLabel('Days to set it up').fill('0');
  await page.getByRole('switch', { name: /Require multi-factor/ }).uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const cleared = await server.backend('GET', '/v1/instance');
  assert.deepEqual([cleared.mfa_required, cleared.mfa_required_from, cleared.mfa_grace_days], [false, null, 0]);
  await page.done();
});
