// The dashboard, and the phone page of the development server.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../lib/countersign.mjs';
import { begin, browser, closed, focused, heading, key, openDashboard, press, server, signInByTicket, startServer, state, tab, test, visit } from './world.js';

begin();

const opened = (operator, of) => openDashboard('', { operator, of });

test('only the secret key opens it, and scripts cannot read the cookie', async () => {
  const page = await visit(browser, server);
  for (const path of ['/dashboard', '/dashboard/users', '/dashboard/users/user_x']) {
    await page.goto(path);
    await page.waitForURL('**/dashboard/sign-in*');
  }
  await page.goto('/dashboard');
  await heading(page, 'Open the dashboard');
  await state(page, 'dashboard-sign-in');
  assert.match(await focused(page), /Secret key/);
  assert.deepEqual(await page.locator('form input').evaluateAll((all) => all.map((i) => [i.autocomplete, i.name, i.value])),
    [['username', 'username', 'countersign-dashboard'], ['current-password', 'password', ''], ['name', 'name', '']], 'a password manager can keep the key');
  await page.keyboard.type('sk_test_wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This is not the secret key.').waitFor();
  await state(page, 'dashboard-wrong-key');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  const cookie = (await page.context().cookies()).find((c) => c.name === 'countersign_dashboard');
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict' && !cookie.value.includes(key));
  assert.ok(!(await page.content()).includes(key), 'the key is not in the page');
  await press(page, 'Sign out');
  await heading(page, 'Open the dashboard');
  await page.goto('/dashboard');
  await page.waitForURL('**/dashboard/sign-in');
  await page.done();
});

test('a session ends after eight hours', async () => {
  const page = await opened();
  await page.waitForLoadState('networkidle'); // a late request would go to the sign-in by itself
  await server.advance(8 * 3600 + 1);
  await page.goto('/dashboard/users');
  await heading(page, 'Open the dashboard');
  await page.done();
});

test('settings: switches and countries with the keyboard, saved together', async () => {
  const page = await opened();
  await state(page, 'dashboard-settings');
  await tab(page, 'Require multi-factor authentication');
  await page.keyboard.press('Space');
  await page.getByText('There are unsaved changes.').waitFor();
  assert.equal((await server.backend('GET', '/v1/instance')).mfa_required, false, 'nothing is saved yet');
  await tab(page, 'Find a country');
  await page.keyboard.type('germ');
  await tab(page, 'Germany');
  await page.keyboard.press('Space');
  await page.getByText('Countries that are on: 3').waitFor();
  await state(page, 'dashboard-unsaved');
  await press(page, 'Save');
  await page.getByText('Saved.').waitFor();
  const now = await server.backend('GET', '/v1/instance');
  assert.equal(now.mfa_required, true);
  assert.deepEqual([...now.sms_countries].sort(), ['CA', 'DE', 'US']);
  await page.reload();
  await heading(page, 'Multi-factor');
  assert.ok(await page.getByRole('switch', { name: /Require multi-factor/ }).isChecked());
  await server.settings({ mfa_required: false });
  await page.done();
});

test('settings: the page for forgotten passwords is an https address', async () => {
  const page = await opened();
  const field = page.getByLabel('Page for forgotten passwords');
  await field.fill('http://example.com/forgot');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter an https address without #.').waitFor();
  await state(page, 'dashboard-forgotten-wrong');
  const address = 'https://app.example.com/forgot';
  await field.fill(` ${address} `);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await server.backend('GET', '/v1/instance')).password_reset_url, address);
  await page.reload();
  await heading(page, 'Multi-factor');
  assert.equal(await field.inputValue(), address);
  await field.fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await server.backend('GET', '/v1/instance')).password_reset_url, null);
  await page.done();
});

test('a bookmark leads back to its page after the sign-in, and to no other site', async () => {
  const page = await visit(browser, server);
  const enter = async () => {
    await heading(page, 'Open the dashboard');
    await page.getByLabel('Secret key').fill(key);
    await page.keyboard.press('Enter');
  };
  const leave = async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Open the dashboard');
    assert.equal(new URL(page.url()).search, '', 'a sign-out leads to no page');
  };
  await page.goto('/dashboard/users?state=locked#q=anna');
  await enter();
  await heading(page, 'Users');
  assert.equal(page.url(), `${server.url}/dashboard/users?state=locked#q=anna`);
  assert.equal(await page.getByLabel('Find a user').inputValue(), 'anna');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'Search' }).click(); // the session is over
  await enter();
  await heading(page, 'Users');
  assert.equal(page.url(), `${server.url}/dashboard/users?state=locked#q=anna`);
  await leave();
  for (const evil of ['https://evil.example/', '//evil.example/', '/\\evil.example/', '\\\\evil.example', '\t//evil.example', 'https:evil.example', 'javascript:alert(1)', '/dashboard/..//evil.example', '/dashboard/%2e%2e//evil.example',
    '/dashboard\\..\\\\evil.example', '%2f%2fevil.example', '/%2f%2fevil.example', '/dashboard@evil.example', '/dashboard.evil.example', '/account/security', '/dashboard/sign-in', `${server.url}@evil.example/dashboard`, 'http://[', '']) {
    await page.goto(`/dashboard/sign-in?redirect_url=${encodeURIComponent(evil)}`);
    await enter();
    await heading(page, 'Multi-factor');
    assert.equal(page.url(), `${server.url}/dashboard`, evil);
    await page.context().clearCookies();
  }
  await page.done();
});

test('unsaved settings: a warning at once, and a question before the page is left', async () => {
  const page = await opened();
  assert.equal(await page.getByRole('button', { name: 'Save' }).count(), 0, 'nothing to save, no bar');
  const method = (name) => page.getByRole('switch', { name });
  await method(/SMS verification code/).click();
  await method(/Authenticator application/).click();
  await page.getByText('Text messages and apps are both off', { exact: false }).waitFor();
  await method(/Require multi-factor/).click();
  await page.getByText('Multi-factor is required, but', { exact: false }).waitFor();
  await state(page, 'dashboard-no-method');
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('heading', { name: 'Leave without saving?' }).waitFor();
  await state(page, 'dashboard-leave');
  await page.keyboard.press('Escape');
  await page.getByText('There are unsaved changes.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Leave without saving?' }).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  const asked = page.waitForEvent('dialog');
  const reload = page.reload().catch(() => {}); // refused by the answer to the question
  const question = await asked;
  assert.equal(question.type(), 'beforeunload');
  await question.dismiss();
  await reload;
  await page.getByText('There are unsaved changes.').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('There are unsaved changes.').waitFor({ state: 'detached' });
  await heading(page, 'Multi-factor');
  assert.ok(await method(/SMS verification code/).isChecked(), 'the stored value is shown again');
  await method(/Require multi-factor/).click();
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('button', { name: 'Leave' }).click();
  await heading(page, 'Users');
  assert.equal((await server.backend('GET', '/v1/instance')).mfa_required, false);
  await page.done();
});

test('a user who is gone has a page with a way back', async () => {
  const page = await opened();
  await page.goto('/dashboard/users/user_gone');
  await heading(page, 'No such user');
  await state(page, 'dashboard-user-gone');
  await press(page, 'All users');
  await heading(page, 'Users');
  await page.done();
});

test('a country or method that is somebody\'s only second factor is switched off after a question only', async () => {
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['US', 'CA', 'FR'] });
  await server.userNamed('yves', { phone_number: ['+33612345678'], phone_number_identification_status: ['reserved'] });
  const page = await opened();
  const countries = async () => [...(await server.backend('GET', '/v1/instance')).sms_countries].sort();
  await page.getByLabel('Find a country').fill('France');
  await page.getByRole('checkbox', { name: 'France', exact: true }).uncheck();
  await press(page, 'Save');
  await page.getByRole('dialog').waitFor();
  await page.getByRole('heading', { name: 'Users who lose their only second factor: 1' }).waitFor();
  await state(page, 'dashboard-stranded');
  await page.keyboard.press('Escape');
  assert.deepEqual(await countries(), ['CA', 'FR', 'US'], 'Escape changes nothing');
  await page.getByText('unsaved', { exact: false }).waitFor();
  await press(page, 'Save');
  await press(page, 'Save anyway');
  await page.getByText('Saved.').waitFor();
  assert.deepEqual(await countries(), ['CA', 'US']);
  await page.getByRole('switch', { name: /Authenticator app/ }).click();
  await press(page, 'Save');
  // The page still says "Saved." of the countries: only the server knows when this change is in.
  await until(async () => !(await server.backend('GET', '/v1/instance')).authenticator_app, 'the authenticator app to be off');
  await server.backend('PATCH', '/v1/instance', { authenticator_app: true });
  await page.done();
});

test('users: pages of all users and of a search by the beginning of a word', async () => {
  for (let n = 10; n < 35; n++) await server.userNamed(`paged${n}`);
  const page = await opened();
  await press(page, 'Users');
  await heading(page, 'Users');
  const names = async () => { await page.getByText(/Users shown/).waitFor({ state: 'attached' }); return page.locator('tbody a').allInnerTexts(); };
  const first = page.locator('tbody a').first();
  await first.waitFor();
  const newest = await names();
  assert.equal(newest.length, 20);
  await page.getByLabel('Find a user').fill('PAGED');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Show all' }).waitFor();
  const found = await names();
  assert.equal(found.length, 20);
  await press(page, 'Next');
  await page.getByText('Users shown: 5').waitFor({ state: 'attached' });
  const rest = await names();
  await page.locator('tbody a').first().click();
  await page.getByRole('heading', { name: 'User', exact: true }).or(page.getByRole('heading', { level: 1 })).first().waitFor();
  await page.goBack();
  await page.getByText('Users shown: 5').waitFor({ state: 'attached' });
  assert.deepEqual([await page.getByLabel('Find a user').inputValue(), await names()], ['PAGED', rest], 'Back shows the page of the search');
  assert.equal(new Set([...found, ...rest]).size, 25, 'each user is on one page');
  assert.equal(await page.getByRole('button', { name: 'Next' }).count(), 0, 'no page follows');
  await press(page, 'Previous');
  await page.getByText('Users shown: 20').waitFor({ state: 'attached' });
  assert.deepEqual(await names(), found);
  await page.getByLabel('Find a user').fill('%');
  await page.keyboard.press('Enter');
  await page.getByText('No such search', { exact: false }).waitFor();
  await state(page, 'dashboard-unclear-search');
  await press(page, 'Show all');
  await page.getByText('Users shown: 20').waitFor({ state: 'attached' });
  assert.deepEqual(await names(), newest);
  await page.done();
});

test('users: filtered by state and creation, paged to the end, and saved as a file', async () => {
  const own = await startServer();
  for (let n = 10; n < 55; n++) await own.userNamed(`many${n}`, n % 15 === 0 ? { locked: true } : {});
  await own.userNamed('safe', { totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', first_name: '=Safe' });
  const { total_count: total } = await own.backend('GET', '/v1/users/count');
  const page = await opened('', own);
  await page.goto('/dashboard/users');
  await page.getByText(`${total} users`).waitFor();
  await page.getByText('Page 1 of 3').waitFor();
  const names = () => page.locator('tbody a').allInnerTexts();
  const first = await names();
  await press(page, 'Last');
  await page.getByText('Page 3 of 3').waitFor();
  assert.equal((await names()).length, total - 40);
  assert.equal(await page.getByRole('button', { name: 'Next' }).count(), 0);
  await state(page, 'dashboard-users-last');
  await press(page, 'Previous');
  await page.getByText('Page 2 of 3').waitFor();
  const second = await names();
  assert.equal(second.length, 20);
  await page.reload();
  await page.getByText('Page 2 of 3').waitFor();
  assert.deepEqual(await names(), second, 'the address has the page');
  await press(page, 'Previous');
  await page.getByText('Page 1 of 3').waitFor();
  assert.deepEqual(await names(), first);
  await page.getByLabel('Show', { exact: true }).selectOption('Locked');
  await page.getByText('3 users match').waitFor();
  assert.match(page.url(), /\?state=locked$/);
  await page.getByLabel('Show', { exact: true }).selectOption('With a second factor');
  await page.getByLabel('Find a user').fill('safe');
  await page.keyboard.press('Enter');
  await page.getByText('1 user matches').waitFor();
  await page.getByLabel('Created from').fill('2001-01-01');
  await page.getByLabel('Created up to').fill('2001-01-02');
  await page.getByText('No user found.').waitFor();
  await page.goBack();
  await page.getByText('1 user matches').waitFor();
  await state(page, 'dashboard-users-filtered');
  const saving = page.waitForEvent('download');
  await press(page, 'Export as CSV');
  const file = await (await saving).path();
  const [head, line, ...rest] = (await readFile(file, 'utf8')).split('\r\n');
  assert.match(head, /^\ufeffid,first_name/);
  assert.match(line, /'=Safe,.*safe@example.com/, 'a cell is no formula');
  assert.deepEqual(rest, [''], 'the file has the filtered users');
  await page.done();
  await own.stop();
});

test('users: found by each identifier, without a number in any address', async () => {
  const user = await server.userNamed('zoe', { phone_number: ['+14155550120'], phone_number_identification_status: ['reserved'], totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
  const page = await opened();
  const addresses = [];
  page.on('request', (r) => addresses.push(r.url()));
  await press(page, 'Users');
  await heading(page, 'Users');
  await page.getByRole('link', { name: 'Zoe' }).waitFor();
  await state(page, 'dashboard-users');
  for (const text of ['zoe@example.com', '+1 415 555 0120', '(415) 555-0120', '0120', 'zoe', user.id]) {
    await page.getByLabel('Find a user').fill(text);
    await page.keyboard.press('Enter');
    await page.getByText('Users shown: 1').waitFor();
    assert.equal(await page.locator('tbody a').innerText(), 'Zoe', text);
    await press(page, 'Show all');
    await page.getByText(/Users shown: [^1]/).waitFor();
  }
  assert.ok(!addresses.some((a) => a.includes('4155550120')), 'the number is in no address');
  await page.getByLabel('Find a user').fill('nobody@example.com');
  await page.keyboard.press('Enter');
  await page.getByText('No user found.', { exact: false }).waitFor();
  await state(page, 'dashboard-nobody');
  await page.done();
});

test('one user: lock, unlock, end a session, remove, ban, reset', async () => {
  const user = await server.userNamed('abel', { phone_number: ['+14155550121'], phone_number_identification_status: ['reserved'], totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', backup_codes: ['abcde-12345'] });
  const visitor = await visit(browser, server);
  await signInByTicket(visitor, server, user);
  await heading(visitor, 'Check your authenticator app');
  await visitor.keyboard.type(await server.totp('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'));
  await heading(visitor, 'Security');
  const page = await opened('Zoë 山田');
  const now = () => server.backend('GET', `/v1/users/${user.id}`);
  await page.goto(`/dashboard/users/${user.id}`);
  await heading(page, 'Abel');
  await state(page, 'dashboard-user');
  /** Answers the question of an operator's change. */
  const answer = async (yes, reason = '') => {
    await page.getByRole('dialog').waitFor();
    if (reason) await page.getByLabel(/^Reason/).fill(reason);
    await page.getByRole('dialog').getByRole('button', { name: yes }).click();
  };
  await press(page, 'Lock for an hour');
  await answer('Lock for an hour');
  await page.getByText('Enter a reason.').waitFor();
  assert.equal((await now()).locked, false, 'no lock without a reason');
  await state(page, 'dashboard-reason');
  await answer('Lock for an hour', 'Called from an unknown number');
  await page.getByText('Locked for an hour.').waitFor();
  await page.getByText('by Zoë 山田').first().waitFor();
  await page.getByText('Reason: Called from an unknown number').waitFor();
  assert.equal((await now()).locked, true);
  await state(page, 'dashboard-user-locked');
  await press(page, 'Unlock');
  await page.getByText('Unlocked.').waitFor();
  assert.equal((await now()).locked, false);
  await page.getByRole('listitem').filter({ hasText: /^Chrome on \w+127\.0\.0\.x · Last active (now|\d+ seconds? ago|1 minute ago)/ }).first().waitFor(); // as the account page names it
  await press(page, 'End:');
  await page.getByText('The session has ended.').waitFor();
  await visitor.reload();
  await heading(visitor, 'Sign in');
  await press(page, 'Remove: Authenticator app');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  assert.equal((await now()).totp_enabled, true, 'Escape changes nothing');
  await press(page, 'Remove: Authenticator app');
  await page.getByRole('dialog').waitFor();
  await state(page, 'dashboard-confirm');
  await answer('Remove');
  await page.getByText('Removed: Authenticator app.').waitFor();
  assert.equal((await now()).totp_enabled, false);
  await press(page, 'Remove: +14155550121');
  await page.getByText('This is the only second factor.', { exact: false }).waitFor();
  await page.keyboard.press('Escape');
  await closed(page);
  await press(page, 'Reset multi-factor');
  await page.getByRole('heading', { name: 'Reset multi-factor for Abel?' }).waitFor();
  await page.getByText('The next sign-in asks for no second factor.').waitFor();
  await state(page, 'dashboard-reset');
  await answer('Reset multi-factor', 'Lost phone, checked by call');
  await page.getByText('Every second factor was removed.').waitFor();
  assert.equal((await now()).two_factor_enabled, false);
  await press(page, 'Ban');
  await answer('Ban', 'Abuse');
  await page.getByText('Banned. All sessions have ended.').waitFor();
  assert.equal((await now()).banned, true);
  await press(page, 'Lift the ban');
  await page.getByText('The ban is lifted.').waitFor();
  await visitor.done();
  await page.done();
});

test('the reset of a user who is locked and banned says that both go on', async () => {
  const user = await server.userNamed('odo', { totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', password: undefined, locked: true, banned: true });
  const page = await opened();
  await page.goto(`/dashboard/users/${user.id}`);
  await heading(page, 'Odo');
  for (const name of ['Reset multi-factor', 'Remove: Authenticator app']) {
    await press(page, name);
    await page.getByText('The next sign-in asks for no second factor.').waitFor();
    await page.getByText(/^The lock goes on: sign-in stays refused for another (60 minutes|1 hour)/).waitFor();
    await page.getByText('The ban goes on: sign-in stays refused until you lift it.').waitFor();
    await page.keyboard.press('Escape');
    await closed(page);
  }
  await page.done();
});

test('a sign-in link: with a reason, shown once, for the first factor only, and in the audit log', async () => {
  const user = await server.userNamed('lena', { totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
  const page = await opened('Zoë 山田');
  const addresses = [];
  page.on('request', (r) => addresses.push(r.url()));
  await page.goto(`/dashboard/users/${user.id}`);
  await heading(page, 'Lena');
  await press(page, 'Create sign-in link');
  await page.getByRole('heading', { name: 'Create a sign-in link for Lena?' }).waitFor();
  await page.getByText('The second factor is still asked for.', { exact: false }).waitFor();
  await page.getByText('It works once, and for 1 hour.', { exact: false }).waitFor();
  assert.equal(await page.getByText('This user has no second factor', { exact: false }).count(), 0);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await page.getByText('Enter a reason.').waitFor();
  assert.ok(!addresses.some((a) => a.endsWith('/sign_in_tokens')), 'no link without a reason');
  await state(page, 'dashboard-link-sure');
  await page.getByLabel('Reason').fill('New phone, checked by call');
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await page.getByRole('heading', { name: 'Sign-in link' }).waitFor();
  await state(page, 'dashboard-link');
  await page.keyboard.press('Escape');
  const link = await dialog.locator('.copyable bdi').innerText();
  assert.ok(link.startsWith(`${server.url}/sign-in#ticket=`), 'Escape does not close the dialog');
  await dialog.getByRole('button', { name: /^Copy/ }).click();
  await dialog.getByText('Copied').first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByText('The link was created.').waitFor();
  await page.getByRole('listitem').filter({ hasText: /^Sign-in link created/ }).filter({ hasText: 'by Zoë 山田' }).filter({ hasText: 'Reason: New phone, checked by call' }).waitFor();
  assert.ok(!(await page.content()).includes(link.split('=')[1]), 'the link is gone');

  const visitor = await visit(browser, server);
  visitor.on('request', (r) => addresses.push(r.url()));
  await visitor.goto(link);
  await heading(visitor, 'Check your authenticator app');
  await visitor.keyboard.type(await server.totp('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'));
  await heading(visitor, 'Security');
  await visitor.done();
  const late = await visit(browser, server);
  await late.goto(link);
  await late.getByText('This sign-in link was used already.').waitFor();
  await late.done();
  assert.ok(!addresses.some((a) => a.split('#')[0].includes(link.split('=')[1])), 'the ticket reaches no server in a URL');
  await server.backend('POST', `/v1/users/${user.id}/lock`);
  await page.reload();
  await page.getByText('While the user is locked or banned, a sign-in link would be refused.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Create sign-in link' }).count(), 0);
  await page.done();
});

test('a sign-in link of a user without a second factor: the dialog says what it opens', async () => {
  const user = await server.userNamed('lone');
  const page = await opened();
  await page.goto(`/dashboard/users/${user.id}`);
  await heading(page, 'Lone');
  await press(page, 'Create sign-in link');
  await page.getByText('This user has no second factor, so the link alone opens the account.').waitFor();
  await page.keyboard.press('Escape');
  await closed(page);
  await page.done();
});

test('times of a user are relative, with the exact time in the title; the audit log has exact ones', async () => {
  const user = await server.userNamed('mira', { created_at: new Date(Date.now() - 3 * 86_400_000 - 60_000).toISOString() });
  const page = await opened();
  await page.goto(`/dashboard/users/${user.id}`);
  await heading(page, 'Mira');
  await page.getByText('Created 3 days ago · Has never signed in').waitFor();
  assert.match(await page.getByText('3 days ago', { exact: true }).getAttribute('title'), /^[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d/);
  await page.getByRole('listitem').filter({ hasText: 'Account created' }).filter({ hasText: /\d{4}, \d+:\d\d/ }).waitFor();
  const visitor = await visit(browser, server);
  await signInByTicket(visitor, server, user);
  await heading(visitor, 'Security');
  await visitor.done();
  await page.reload();
  await page.getByText(/Last sign-in (now|\d+ seconds? ago|1 minute ago)/).waitFor();
  await page.goto('/dashboard/users#q=mira');
  await page.getByRole('row').filter({ hasText: 'Mira' }).getByText('3 days ago').waitFor();
  await state(page, 'dashboard-users-relative');
  await page.done();
});

test('audit logs: of a user, page by page, and of the settings; whole or altered', async () => {
  const user = await server.userNamed('cleo');
  for (let i = 0; i < 7; i++) {
    await server.backend('POST', `/v1/users/${user.id}/lock`);
    await server.backend('POST', `/v1/users/${user.id}/unlock`);
  }
  const page = await opened();
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['US', 'CA', 'FR'], enumeration_protection: false });
  await page.reload();
  await page.getByText('Hide whether an account exists: on → off · Countries for text messages: US, CA → US, CA, FR').waitFor();
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['US', 'CA'], enumeration_protection: true });
  await page.goto(`/dashboard/users/${user.id}`);
  await page.getByText('Verified – no entry altered').waitFor();
  await page.getByText('Entries 1 to 10 of 15').waitFor();
  assert.equal(await page.getByText('by an operator').count(), 10);
  await press(page, 'Older');
  await page.getByText('Entries 11 to 15 of 15').waitFor();
  await page.getByText('Account created').waitFor();
  assert.equal(await focused(page), 'Audit log', 'the focus is where reading goes on');
  await state(page, 'dashboard-trail');
  await press(page, 'Newer');
  await page.getByText('Entries 1 to 10 of 15').waitFor();
  const file = page.waitForEvent('download');
  await press(page, 'Export as CSV');
  const lines = (await readFile(await (await file).path(), 'utf8')).replace(/^\ufeff/, '').trim().split('\r\n');
  assert.equal(lines.length, 16, 'a head and every entry of all pages');
  assert.match(lines[0], /^sequence,created_at,type,actor,operator,reason,/);
  assert.match(lines[1], /^15,\d{4}-\d\d-\d\dT[\d:.]+Z,user\.unlocked,backend,/);
  await page.route('**/audit_events?*', async (route) => {
    const response = await route.fetch();
    const trail = await response.json();
    await route.fulfill({ response, json: { ...trail, chain: { ...trail.chain, verified: false, broken_at: 7 } } });
  });
  await page.reload();
  await page.getByText('Altered from entry 7 on').waitFor();
  await state(page, 'dashboard-trail-altered');
  await page.route('**/audit_events?*', (route) => route.abort());
  await page.reload();
  await page.getByText('No connection.').waitFor();
  await page.unroute('**/audit_events?*');
  await press(page, 'Try again');
  await page.getByText('Verified – no entry altered').waitFor();
  await page.done();
});

test('another site can neither read nor change anything with the cookie', async () => {
  const page = await opened();
  const ask = (headers, method = 'PATCH') => page.context().request.fetch('/dashboard/api/v1/instance', { method, headers, data: method === 'GET' ? undefined : { mfa_required: true } });
  const own = { Origin: server.url, 'Content-Type': 'application/json' };
  for (const [what, headers, method] of [
    ['no origin', { 'Content-Type': 'application/json' }], ['another origin', { ...own, Origin: 'https://evil.example' }], ['a form', { ...own, 'Content-Type': 'text/plain' }],
    ['a sibling site', { ...own, 'Sec-Fetch-Site': 'same-site' }], ['reading from elsewhere', { 'Sec-Fetch-Site': 'cross-site' }, 'GET'],
  ]) assert.ok([400, 403].includes((await ask(headers, method)).status()), what); // 400 is the development server's check
  assert.equal((await server.backend('GET', '/v1/instance')).mfa_required, false);
  assert.equal((await ask(own)).status(), 204, 'its own page can');
  await server.settings({ mfa_required: false });
  await page.done();
});

test('the phone: messages arrive, the clock moves, things break', async () => {
  const user = await server.userNamed('ben', { phone_number: ['+14155550122'], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await page.goto('/dev/phone');
  await heading(page, 'Phone');
  await page.getByText('No message yet.').waitFor();
  const visitor = await visit(browser, server);
  await signInByTicket(visitor, server, user);
  await visitor.getByText('Code sent.').waitFor();
  await page.getByText('is your Example code').waitFor();
  await state(page, 'phone');
  await press(page, 'Copy code');
  await page.getByText('Copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '424242');
  const { now: before } = await server.dev('GET', '/clock');
  await press(page, '+10 min');
  await page.getByText('The clock moved.').waitFor();
  const { now: after } = await server.dev('GET', '/clock');
  assert.ok(Date.parse(after) - Date.parse(before) >= 600000);
  const fails = page.getByRole('switch', { name: 'Text messages fail' });
  assert.ok(!(await fails.isChecked()));
  await tab(page, 'Text messages fail');
  await page.keyboard.press('Space');
  await page.getByText('The fault is active.').waitFor();
  await press(visitor, 'Send').catch(() => {});
  await visitor.reload();
  await heading(visitor, 'Check your messages');
  await press(visitor, 'Send code');
  await visitor.getByText('The message could not be sent.').waitFor();
  await page.getByRole('alert').getByText('Text messages fail').waitFor();
  await state(page, 'phone-fault');
  await page.reload();
  await page.getByRole('alert').getByText('Text messages fail').waitFor();
  assert.ok(await fails.isChecked(), 'the page shows the state of the server');
  await tab(page, 'Text messages fail');
  await page.keyboard.press('Space');
  await page.getByText('Everything works again.').waitFor();
  await visitor.done();
  await page.done();
});

test('a name, a colour, a support link and words of one\'s own', async () => {
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'countersign-appearance-')), 'appearance.json');
  await writeFile(file, JSON.stringify({ name: 'Harbour', accent: '#0f766e', support: 'https://help.example.com/', texts: { en: { 'signin.text': 'Good to see you.' } } }));
  const own = await startServer('--appearance', file);
  const page = await visit(browser, own);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  assert.equal(await page.title(), 'Sign in · Harbour');
  await page.getByText('Good to see you.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Get help' }).first().getAttribute('href'), 'https://help.example.com/');
  assert.equal(await page.getByRole('button', { name: 'Continue' }).evaluate((b) => getComputedStyle(b).backgroundColor), 'rgb(15, 118, 110)');
  await state(page, 'appearance-other');
  await page.done();
  await own.stop();
});
