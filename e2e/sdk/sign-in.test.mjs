// Signing in with each first and second factor on the app's own page.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { wrong } from '../lib/countersign.mjs';
import { world } from '../lib/world.mjs';
import { alerted, fill, firstFactor, number, open, press, rows, secondFactors, session, shows, newUser, status, visit } from '../lib/person.mjs';

const w = world();

const ways = page => rows(page, 'Ways to continue');
const choose = (page, name) => ways(page).getByRole('button', { name }).click();
async function answer(page, code) {
  await fill(page, 'Code', code);
  await press(page, 'Verify');
}

async function live(max, page) {
  const [only, ...more] = await w.api.sessions(max.id);
  assert.deepEqual([only.id, only.status, more.length], [await session(page), 'active', 0]);
}

journey('a ticket signs in once', w, async ({ page }) => {
  const max = await newUser(w), ticket = await w.api.ticket(max.id);
  await open(w, page, `/sign-in?ticket=${ticket}`);
  await press(page, 'Use the ticket');
  await status(page, `Signed in as ${max.email}, active`);
  await live(max, page);
  await press(page, 'Sign out');
  await status(page, 'Signed out');
  await open(w, page, `/sign-in?ticket=${ticket}`);
  await press(page, 'Use the ticket');
  await alerted(page, 'sign_in_token_already_used_code');
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('a wrong password and an unknown account look alike', w, async ({ page }) => {
  const max = await newUser(w);
  const said = [];
  for (const identifier of [max.email, 'nobody@example.com']) {
    await open(w, page, '/sign-in');
    await fill(page, 'E-mail', identifier);
    await fill(page, 'Password', 'not the password');
    await press(page, 'Continue');
    await alerted(page, 'form_password_or_identifier_incorrect');
    said.push(await page.getByRole('alert').innerText());
  }
  assert.equal(said[0], said[1]);
  await status(page, 'Signed out');
});

journey('a ticket asks for the second factor too', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await open(w, page, `/sign-in?ticket=${await w.api.ticket(max.id)}`);
  await press(page, 'Use the ticket');
  await shows(page.getByRole('paragraph'), 'Step: needs_second_factor');
  assert.deepEqual(await w.api.sessions(max.id), []);
  await choose(page, 'Authenticator app');
  await answer(page, await w.api.totp(max.secret));
  await status(page, 'Signed in');
  await live(max, page);
});

journey('second factor: the ways are listed in Clerk\'s order', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await firstFactor(w, page, max);
  await ways(page).first().waitFor();
  const shown = await ways(page).allInnerTexts();
  assert.equal(shown.length, 3);
  assert.match(shown[0], /^Authenticator app/);
  assert.match(shown[1], new RegExp(`^Text message \\+1\\*+${max.phone.slice(-2)}$`));
  assert.match(shown[2], /^Backup code/);
  await status(page, 'Signed out');
});

journey('second factor by text message: wrong and right code', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await firstFactor(w, page, max);
  await choose(page, 'Text message');
  const code = await w.api.code(max.phone);
  await answer(page, wrong(code));
  await alerted(page, 'form_code_incorrect');
  assert.deepEqual(await w.api.sessions(max.id), []);
  await answer(page, code);
  await status(page, `Signed in as ${max.email}, active, two factors`);
  await live(max, page);
});

journey('second factor by authenticator app: wrong, right, and the right one again', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  await firstFactor(w, page, max);
  await choose(page, 'Authenticator app');
  const code = await w.api.totp(max.secret);
  await answer(page, wrong(code));
  await alerted(page, 'form_code_incorrect');
  await answer(page, code);
  await status(page, 'Signed in');
  await live(max, page);
  await press(page, 'Sign out');
  await status(page, 'Signed out');
  await firstFactor(w, page, max);
  await choose(page, 'Authenticator app');
  await answer(page, code);
  await alerted(page, 'form_code_incorrect');
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('second factor by backup code: each works once', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  const backup = async code => {
    await firstFactor(w, page, max);
    await choose(page, 'Backup code');
    await answer(page, code);
  };
  await backup(max.backup[0]);
  await status(page, 'Signed in');
  await live(max, page);
  await press(page, 'Sign out');
  await status(page, 'Signed out');
  await backup(max.backup[0]);
  await alerted(page, 'form_code_incorrect');
  await answer(page, max.backup[1]);
  await status(page, 'Signed in');
  assert.equal((await w.api.user(max.id)).backup_code_enabled, true);
});

journey('guessing ends in a lockout that the page shows, and an administrator ends it', w, async ({ page }) => {
  const max = await newUser(w, secondFactors());
  const begin = async () => {
    await firstFactor(w, page, max);
    await choose(page, 'Backup code');
  };
  await begin();
  for (let failures = 1; failures <= 9; failures++) {
    await answer(page, 'aaaaa-aaaaa');
    await alerted(page, 'form_code_incorrect');
    if (failures < 5) continue;
    await answer(page, max.backup[0]); // correct, but this sign-in had five tries, and a new one must wait
    await alerted(page, failures === 5 ? 'verification_failed' : 'too_many_requests');
    await w.api.advance(3600);
    await begin();
  }
  await answer(page, 'aaaaa-aaaaa');
  await alerted(page, /form_code_incorrect|user_locked/);
  await answer(page, max.backup[0]);
  await alerted(page, 'user_locked');
  assert.equal((await w.api.user(max.id)).locked, true);
  await w.api.backend('POST', `/v1/users/${max.id}/unlock`);
  assert.equal((await w.api.user(max.id)).locked, false);
  await answer(page, max.backup[0]);
  await status(page, 'Signed in');
});

journey('a remembered browser signs in without a second factor, and a step-up asks for it', w, async ({ page }) => {
  await w.api.backend('PATCH', '/v1/instance', { remember_device_days: 30 });
  const max = await newUser(w, secondFactors());
  await firstFactor(w, page, max);
  await shows(page.getByRole('paragraph'), 'Step: needs_second_factor');
  const created = await page.evaluate(async code => {
    const { createdSessionId } = await window.Clerk.client.signIn.attemptSecondFactor({ strategy: 'totp', code, rememberDevice: true });
    await window.Clerk.setActive({ session: createdSessionId });
    await window.Clerk.signOut();
    return createdSessionId;
  }, await w.api.totp(max.secret));
  assert.equal((await w.api.backend('GET', `/v1/users/${max.id}/remembered_devices`)).total_count, 1);
  await firstFactor(w, page, max);
  await status(page, `Signed in as ${max.email}`);
  await live(max, page);
  assert.notEqual(await session(page), created);
  await visit(page, '/backup-codes');
  await press(page, 'Make new codes');
  const modal = page.locator('.cl-modalContent');
  await shows(modal, /authenticator|Verification required/i);
  await w.api.backend('PATCH', '/v1/instance', { remember_device_days: 0 });
});
