// The page that changes the account's password, or sets the first one.

import assert from 'node:assert/strict';
import { begin, browser, focused, heading, press, server, sessionOf, signInByTicket, state, test, visit } from './world.js';

begin();

const current = (page) => page.getByLabel('Current password', { exact: true });
const next = (page) => page.getByLabel('New password', { exact: true });
const change = (page, button = 'Change password') => page.getByRole('button', { name: button }).click();

async function signedIn(user, at = '/account/password') {
  const page = await visit(browser, server);
  await signInByTicket(page, server, user, at);
  return page;
}

/** Whether the Backend API takes a text for the user's password. */
const isPassword = async (user, password) => {
  try {
    return (await server.backend('POST', `/v1/users/${user.id}/verify_password`, { password })).verified;
  } catch {
    return false;
  }
};

test('the password is changed from the security page, and other devices are signed out', async () => {
  const user = await server.userNamed('nora');
  const other = await signedIn(user, '/account/security');
  await heading(other, 'Security');
  const page = await signedIn(user, '/account/security');
  await heading(page, 'Security');
  await page.getByText(/^Last changed: /).waitFor();
  await press(page, 'Change password');
  await heading(page, 'Change password');
  await page.getByText('At least 8 characters, spaces included.', { exact: false }).waitFor();
  await state(page, 'password');
  assert.deepEqual(await page.locator('form input:not([type=checkbox])').evaluateAll((all) => all.map((i) => [i.autocomplete, i.name, i.type, i.value])), [
    ['username', 'username', 'text', 'nora@example.com'], ['current-password', 'current-password', 'password', ''], ['new-password', 'new-password', 'password', ''],
  ], 'a password manager knows each field');
  assert.ok(await page.getByLabel('Sign out all other devices').isChecked());

  await change(page);
  await page.locator('[aria-invalid=true]').waitFor();
  assert.match(await focused(page), /Current password/);
  await current(page).fill('correct horse');
  for (const [text, wrong] of [['short', 'This password is too short.'], ['correct horse', 'This is your current password.'], ['x'.repeat(129), 'This password is too long.'], ['ö'.repeat(65), 'This password is too long.']]) {
    await next(page).fill(text);
    await change(page);
    await page.getByText(wrong, { exact: false }).waitFor();
  }
  await state(page, 'password-long');
  await current(page).fill('wrong horse');
  await next(page).fill('another horse');
  await change(page);
  await page.getByText('This password is not right.').waitFor();
  await state(page, 'password-wrong');
  assert.ok(await isPassword(user, 'correct horse'), 'nothing changed so far');
  assert.equal(await next(page).inputValue(), 'another horse', 'the form keeps what was typed');
  await current(page).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Password changed');
  await page.getByText('All other devices were signed out.', { exact: false }).waitFor();
  await state(page, 'password-changed');
  assert.ok(await isPassword(user, 'another horse') && !(await isPassword(user, 'correct horse')));
  await press(page, 'Go to security settings');
  await heading(page, 'Security');
  await page.getByRole('listitem').filter({ hasText: 'Password set' }).first().waitFor();
  await other.reload();
  await heading(other, 'Sign in');
  for (const p of [page, other]) await p.done();
});

test('other devices stay signed in if the user says so', async () => {
  const user = await server.userNamed('nils');
  const other = await signedIn(user, '/account/security');
  await heading(other, 'Security');
  const page = await signedIn(user);
  await heading(page, 'Change password');
  await page.getByLabel('Sign out all other devices').uncheck();
  await current(page).fill('correct horse');
  await next(page).fill('another horse');
  await change(page);
  await heading(page, 'Password changed');
  assert.equal(await page.getByText('All other devices were signed out.', { exact: false }).count(), 0);
  await other.reload();
  await heading(other, 'Security');
  for (const p of [page, other]) await p.done();
});

test('an old session steps up, and the change continues', async () => {
  const user = await server.userNamed('nele');
  const page = await signedIn(user);
  await heading(page, 'Change password');
  await server.age(await sessionOf(page), 11);
  await current(page).fill('correct horse');
  await next(page).fill('another horse');
  await change(page);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await state(page, 'password-step-up');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.ok(await isPassword(user, 'correct horse'), 'a step-up that was cancelled changes nothing');
  await change(page);
  await dialog.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Password changed');
  assert.ok(await isPassword(user, 'another horse'));
  await page.done();
});

test('after a sign-in link the forgotten password is not needed', async () => {
  const user = await server.userNamed('nick');
  const page = await signedIn(user);
  await heading(page, 'Change password');
  await press(page, 'I don’t know my current password');
  assert.match(await focused(page), /New password/);
  assert.equal(await current(page).count(), 0);
  await page.keyboard.type('another horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Password changed');
  assert.ok(await isPassword(user, 'another horse'));
  await page.done();
});

test('the application\'s page for forgotten passwords is linked where it is set', async () => {
  await server.backend('PATCH', '/v1/instance', { password_reset_url: 'https://app.example.com/forgot' });
  const page = await signedIn(await server.userNamed('nina'));
  await heading(page, 'Change password');
  assert.equal(await page.getByRole('link', { name: 'Forgot your password?' }).getAttribute('href'), 'https://app.example.com/forgot');
  assert.equal(await page.getByRole('button', { name: 'I don’t know' }).count(), 0);
  await state(page, 'password-forgotten');
  await server.backend('PATCH', '/v1/instance', { password_reset_url: '' });
  await page.done();
});

test('a user without a password sees where it may be, and can set one', async () => {
  const user = await server.userNamed('nelly', { password: undefined });
  const page = await signedIn(user, '/account/security');
  await heading(page, 'Security');
  await page.getByText('Not set').waitFor();
  await press(page, 'Set a password');
  await heading(page, 'Set a password');
  await page.getByText('This account has no password here.', { exact: false }).waitFor();
  await state(page, 'password-none');
  assert.equal(await current(page).or(page.getByRole('checkbox')).count(), 0);
  await next(page).fill('first horse');
  await change(page, 'Set a password');
  await heading(page, 'Password set');
  assert.ok(await isPassword(user, 'first horse'));
  await page.done();
});
