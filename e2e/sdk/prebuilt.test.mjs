// Clerk's own components from its UI bundle: <SignIn/>, <UserProfile/> and <TaskSetupMFA/>, the parts of which that deal with second factors.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { wrong } from '../lib/countersign.mjs';
import { world } from '../lib/world.mjs';
import { firstFactor, heading, number, open, password, secondFactors, session, shows, signIn, newUser, status, typeCode, visit } from '../lib/person.mjs';

const w = world({ taskUrls: { 'setup-mfa': '/prebuilt-task' } });

const card = page => page.locator('.cl-rootBox');
/** Presses a button of the card, once the previous card has disappeared. */
async function click(page, name) {
  const button = card(page).getByRole('button', { name, exact: true });
  await button.nth(1).waitFor({ state: 'detached' });
  await button.click();
}
const proceed = page => click(page, 'Continue');
/** The number of backup codes on the card. */
async function codesShown(page) {
  const text = await card(page).innerText();
  return (text.match(/\b[0-9a-z]{5}-[0-9a-z]{5}\b/g) ?? []).length;
}
const says = (page, text) => shows(card(page), text);

async function signInOnCard(page, max) {
  await open(w, page, '/prebuilt');
  await card(page).getByLabel('Email address or username').fill(max.email);
  await card(page).getByLabel('Password', { exact: true }).fill(password);
  await proceed(page);
}

async function another(page, method) {
  await card(page).getByText('Use another method').click();
  await card(page).getByRole('button', { name: method }).click();
}

journey('<SignIn/>: password only', w, async ({ page }) => {
  const max = await newUser(w);
  await signInOnCard(page, max);
  await status(page, `Signed in as ${max.email}, active`);
  assert.equal((await w.api.sessions(max.id))[0].id, await session(page));
});

journey('<SignIn/>: second factor by authenticator app, wrong and right', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await signInOnCard(page, max);
  await says(page, 'Two-step verification');
  const code = await w.api.totp(max.secret);
  await typeCode(card(page), wrong(code));
  await says(page, 'That code is not right');
  await typeCode(card(page), code);
  await status(page, `Signed in as ${max.email}, active, two factors`);
});

journey('<SignIn/>: second factor by text message', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await signInOnCard(page, max);
  await another(page, /Send SMS code/);
  await says(page, 'Check your phone');
  await typeCode(card(page), await w.api.code(max.phone));
  await status(page, `Signed in as ${max.email}, active, two factors`);
});

journey('<SignIn/>: second factor by backup code, used and fresh', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code: max.backup[0] });
  await signInOnCard(page, max);
  await another(page, 'Use a backup code');
  const box = card(page).getByLabel('Backup code');
  await box.fill(max.backup[0]);
  await proceed(page);
  await says(page, 'That code is not right');
  await box.fill(max.backup[1]);
  await proceed(page);
  await status(page, `Signed in as ${max.email}, active, two factors`);
});

async function security(page) {
  await visit(page, '/profile');
  await click(page, 'Security');
  await says(page, 'Two-step verification');
}

async function add(page, method) {
  await click(page, 'Add two-step verification');
  await page.getByRole('menuitem', { name: method }).click();
}

/** Opens the menu of one method and chooses from it. */
async function menu(page, method, action) {
  const row = card(page).locator('.cl-profileSectionItem__mfa').filter({ hasText: method });
  await row.getByRole('button').last().click();
  await page.getByRole('menuitem', { name: action }).click();
}

journey('<UserProfile/>: a number, an authenticator app and new backup codes, and all removed', w, async ({ page }) => {
  const max = await newUser(w, { phone_number: [number()] });
  await signIn(w, page, max);
  await security(page);
  await add(page, 'SMS code');
  await click(page, new RegExp(max.phone.slice(-4)));
  await says(page, 'SMS code verification enabled');
  assert.equal(await codesShown(page), 10);
  await click(page, 'Finish');
  await status(page, 'two factors');
  assert.equal((await w.api.user(max.id)).phone_numbers[0].reserved_for_second_factor, true);

  // No step-up: the password was verified moments ago, and the user had no second factor then.
  await add(page, 'Authenticator application');
  await click(page, /^Can.t scan QR code\?$/);
  const secret = await card(page).locator('input[readonly]').first().inputValue();
  await proceed(page);
  const code = await w.api.totp(secret);
  await typeCode(card(page), wrong(code));
  await says(page, 'That code is not right');
  await typeCode(card(page), code);
  await says(page, 'Two-step verification is now enabled');
  await click(page, 'Finish');
  assert.equal((await w.api.user(max.id)).totp_enabled, true);

  const answer = page.waitForResponse(r => r.url().includes('/v1/me/backup_codes') && r.ok());
  await menu(page, 'Backup codes', 'Regenerate');
  const made = await answer;
  await says(page, 'Store them securely and keep them secret');
  assert.equal(await codesShown(page), 10);
  const [fresh] = (await made.json()).response.codes;
  assert.equal((await w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code: fresh })).code_type, 'backup_code');
  await click(page, 'Finish');

  await menu(page, 'Authenticator application', 'Remove');
  await click(page, 'Remove');
  await card(page).getByText('Authenticator application').waitFor({ state: 'detached' });
  assert.equal((await w.api.user(max.id)).totp_enabled, false);
  await menu(page, /^SMS Code/, 'Remove');
  await click(page, 'Remove');
  await status(page, 'one factor');
  assert.equal((await w.api.user(max.id)).two_factor_enabled, false);
});

/** Fills a field of the card's open form. */
const enter = (page, label, text) => card(page).getByLabel(label, { exact: true }).fill(text);
/** Submits the card's open form and waits until it was answered and has closed: its button has no name while it works. */
async function save(page) {
  const answered = page.waitForResponse(r => new URL(r.url()).pathname.startsWith('/v1/me') && r.request().method() === 'POST');
  await click(page, 'Save');
  await answered;
  await card(page).getByRole('button', { name: 'Save', exact: true }).waitFor({ state: 'detached' });
}
/** The calls of a page that were refused. */
const refusals = calls => calls.filter(call => !/ [23]\d\d$/.test(call));

journey('<UserProfile/>: name, username and password', w, async ({ page, calls }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await visit(page, '/profile');
  await click(page, 'Update profile');
  await enter(page, 'First name', 'Maxine');
  await enter(page, 'Last name', 'Lee');
  await save(page);
  await says(page, 'Maxine Lee');
  await click(page, 'Set username');
  await enter(page, 'Username', 'maxine');
  await save(page);
  await says(page, 'maxine');
  const user = await w.api.user(max.id);
  assert.deepEqual([user.first_name, user.last_name, user.username], ['Maxine', 'Lee', 'maxine']);

  const elsewhere = await page.context().browser().newContext();
  const other = await elsewhere.newPage();
  await signIn(w, other, max);
  await click(page, 'Security');
  await click(page, 'Update password');
  await enter(page, 'New password', 'another horse battery');
  await enter(page, 'Confirm password', 'another horse battery');
  await save(page); // "Sign out of all other devices" is ticked
  await w.api.backend('POST', `/v1/users/${max.id}/verify_password`, { password: 'another horse battery' });
  assert.equal((await w.api.sessions(max.id)).length, 1);
  await elsewhere.close();
  await status(page, 'active');
  assert.deepEqual(refusals(calls), []);
});

journey('<UserProfile/>: a username that is taken, and one after a step-up', w, async ({ page, calls }) => {
  const max = await newUser(w), taken = await newUser(w, { username: 'taken' });
  await signIn(w, page, max);
  await visit(page, '/profile');
  await click(page, 'Set username');
  await enter(page, 'Username', 'taken');
  await click(page, 'Save');
  await says(page, /taken/);
  assert.deepEqual(refusals(calls), ['POST /v1/me (PATCH) 422']);
  assert.equal((await w.api.user(taken.id)).username, 'taken');
  await w.api.age(await session(page), 11);
  await enter(page, 'Username', 'free');
  await click(page, 'Save');
  const modal = page.locator('.cl-modalContent');
  await modal.getByLabel('Password', { exact: true }).fill(password);
  await modal.getByRole('button', { name: 'Continue' }).click();
  await card(page).getByRole('button', { name: 'Update username', exact: true }).waitFor();
  assert.equal((await w.api.user(max.id)).username, 'free');
});

journey('<UserProfile/>: the account is deleted where the settings allow it', w, async ({ page, calls }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await visit(page, '/profile');
  await click(page, 'Security');
  await says(page, 'Two-step verification');
  assert.equal(await card(page).getByRole('button', { name: 'Delete account' }).count(), 0);
  await w.api.settings({ delete_self: true });
  try {
    await open(w, page, '/profile');
    await click(page, 'Security');
    await click(page, 'Delete account');
    await card(page).locator('input[name=deleteConfirmation]').fill('Delete account');
    await card(page).getByRole('button', { name: 'Delete account' }).last().click();
    await status(page, 'Signed out');
    await assert.rejects(w.api.user(max.id), /404/);
    assert.deepEqual(refusals(calls), []);
  } finally {
    await w.api.settings({ delete_self: false });
  }
});

journey('<UserProfile/>: what is not there is hidden, or says so', w, async ({ page, calls }) => {
  const max = await newUser(w, { email_address: ['two@example.com', 'three@example.com'] });
  await signIn(w, page, { ...max, email: 'two@example.com' });
  await visit(page, '/profile');
  await says(page, 'three@example.com');
  for (const name of ['Add email address', 'Connect account', 'Add a passkey']) {
    assert.equal(await card(page).getByRole('button', { name }).count(), 0, name);
  }
  await click(page, 'Update profile');
  await card(page).locator('input[type=file]').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgo=', 'base64') });
  await says(page, 'Nothing was found here.');
  assert.deepEqual(refusals(calls), ['POST /v1/me/profile_image 404']);
  await click(page, 'Security');
  await says(page, /\d\/24 \(location unknown\)/); // the network of a device, and no empty parentheses
  await status(page, 'Signed in');
});

journey('<TaskSetupMFA/>: enforced enrolment by a new number', w, async ({ page }) => {
  const max = await newUser(w), to = number();
  await w.api.settings({ mfa_required: true });
  try {
    await firstFactor(w, page, max);
    await status(page, 'pending, task setup-mfa');
    await visit(page, '/prebuilt-task');
    await card(page).getByText('SMS code').click();
    await card(page).getByLabel('Phone number').fill(to.slice(2));
    await proceed(page);
    await typeCode(card(page), await w.api.code(to));
    await says(page, 'SMS code verification enabled');
    assert.equal(await codesShown(page), 10);
    await proceed(page);
    await heading(page, 'Home');
    await status(page, 'active, two factors');
    assert.equal((await w.api.sessions(max.id))[0].status, 'active');
  } finally {
    await w.api.settings({ mfa_required: false });
  }
});

journey('<TaskSetupMFA/>: enforced enrolment by authenticator app', w, async ({ page }) => {
  const max = await newUser(w);
  await w.api.settings({ mfa_required: true });
  try {
    await firstFactor(w, page, max);
    await status(page, 'pending, task setup-mfa');
    await visit(page, '/prebuilt-task');
    await card(page).getByText('Authenticator application').click();
    await click(page, /^Can.t scan QR code\?$/);
    const secret = await card(page).locator('input[readonly]').first().inputValue();
    await proceed(page);
    await typeCode(card(page), await w.api.totp(secret));
    await says(page, 'Two-step verification is now enabled');
    await proceed(page);
    await heading(page, 'Home');
    await status(page, 'active, two factors');
    assert.equal((await w.api.user(max.id)).totp_enabled, true);
  } finally {
    await w.api.settings({ mfa_required: false });
  }
});
