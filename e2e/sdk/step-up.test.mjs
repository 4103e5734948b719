// Step-up: a sensitive change in a session older than ten minutes opens Clerk's modal, and succeeds after it.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { wrong } from '../lib/countersign.mjs';
import { world } from '../lib/world.mjs';
import { addPhone, alerted, fill, firstFactor, listed, number, password, press, reserve, rows, secondFactors, session, shows, shownCodes, signIn, newUser, status, typeCode, visit } from '../lib/person.mjs';

const w = world();

const modal = page => page.locator('.cl-modalContent');
const closed = page => modal(page).waitFor({ state: 'detached' });
const proceed = page => modal(page).getByRole('button', { name: 'Continue' }).click();
const says = (page, text) => shows(modal(page), text);

async function another(page, method) {
  await modal(page).getByText('Use another method').click();
  await modal(page).getByRole('button', { name: method }).click();
}

/** Signs in with a second factor, and makes the session eleven minutes old. */
async function agedWithFactors(page) {
  const max = await newUser(w, secondFactors());
  await firstFactor(w, page, max);
  await rows(page, 'Ways to continue').getByRole('button', { name: 'Authenticator app' }).click();
  await fill(page, 'Code', await w.api.totp(max.secret));
  await press(page, 'Verify');
  await status(page, 'two factors');
  await w.api.age(await session(page), 11);
  await w.api.advance(31); // the next code of the authenticator app
  return max;
}

const askNewCodes = async page => {
  await visit(page, '/backup-codes');
  await press(page, 'Make new codes');
  await modal(page).waitFor();
};

journey('one factor: cancelled, wrong and right password, then the change itself', w, async ({ page }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  await w.api.age(await session(page), 11);
  await visit(page, '/phones/add');
  await fill(page, 'Phone number', to);
  await press(page, 'Continue');
  await says(page, 'Verification required');
  await page.keyboard.press('Escape');
  await closed(page);
  await alerted(page, 'Cancelled');
  assert.equal((await w.api.user(max.id)).phone_numbers.length, 0);

  await press(page, 'Continue');
  await modal(page).getByLabel('Password', { exact: true }).fill('not the password');
  await proceed(page);
  await says(page, 'The password is not right');
  assert.equal((await w.api.user(max.id)).phone_numbers.length, 0);
  await modal(page).getByLabel('Password', { exact: true }).fill(password);
  await proceed(page);
  await closed(page);
  await shows(page.getByRole('paragraph'), `A code was sent to ${to}`);
  assert.equal((await w.api.user(max.id)).phone_numbers.length, 1);
});

journey('a fresh session is not asked, an aged one is asked once', w, async ({ page }) => {
  const max = await newUser(w), first = number(), second = number();
  await signIn(w, page, max);
  for (const to of [first, second]) {
    await addPhone(w, page, to);
    await reserve(page, to);
  }
  await w.api.age(await session(page), 11);
  await w.api.advance(31); // the pause between two messages
  await visit(page, '/phones');
  await rows(page, 'In use').filter({ hasText: second }).getByRole('button', { name: 'Disable' }).click();
  await modal(page).waitFor();
  await typeCode(modal(page), await w.api.code(first, 2));
  await closed(page);
  await listed(page, 'Available', second);
  await rows(page, 'Available').getByRole('button', { name: 'Remove' }).click();
  await listed(page, 'Available');
  assert.deepEqual((await w.api.user(max.id)).phone_numbers.map(p => p.phone_number), [first]);
});

journey('by authenticator app: wrong and right code', w, async ({ page }) => {
  const max = await agedWithFactors(page);
  await askNewCodes(page);
  const code = await w.api.totp(max.secret);
  await typeCode(modal(page), wrong(code));
  await says(page, 'That code is not right');
  await typeCode(modal(page), code);
  await closed(page);
  assert.equal((await shownCodes(page)).length, 10);
});

journey('by text message: wrong and right code', w, async ({ page }) => {
  const max = await agedWithFactors(page);
  await askNewCodes(page);
  await another(page, /Send SMS code/);
  const code = await w.api.code(max.phone);
  await typeCode(modal(page), wrong(code));
  await says(page, 'That code is not right');
  await typeCode(modal(page), code);
  await closed(page);
  assert.equal((await shownCodes(page)).length, 10);
});

journey('by backup code: wrong and right one', w, async ({ page }) => {
  const max = await agedWithFactors(page);
  await askNewCodes(page);
  await another(page, 'Use a backup code');
  const box = modal(page).getByLabel('Backup code');
  await box.fill('aaaaa-aaaaa');
  await proceed(page);
  await says(page, 'That code is not right');
  await box.fill(max.backup[2]);
  await proceed(page);
  await closed(page);
  const fresh = await shownCodes(page);
  const answer = await w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code: fresh[0] });
  assert.equal(answer.code_type, 'backup_code');
});
