// The management of second factors on the app's own pages, as Clerk's guides show it.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { wrong } from '../lib/countersign.mjs';
import { world } from '../lib/world.mjs';
import { addPhone, alerted, fill, heading, listed, number, press, reserve, rows, session, shows, shownCodes, signIn, newUser, status, visit } from '../lib/person.mjs';

const w = world();

journey('password sign-in, and sign-out', w, async ({ page }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await status(page, 'active, one factor');
  const [only, ...more] = await w.api.sessions(max.id);
  assert.equal(more.length, 0);
  assert.equal(only.id, await session(page));
  assert.equal(only.status, 'active');
  await press(page, 'Sign out');
  await status(page, 'Signed out');
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('add a number: wrong code, too early a resend, right code; then reserve it', w, async ({ page }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  await visit(page, '/phones/add');
  await fill(page, 'Phone number', 'nonsense');
  await press(page, 'Continue');
  await alerted(page, 'form_param_format_invalid');
  await fill(page, 'Phone number', to);
  await press(page, 'Continue');
  const code = await w.api.code(to);
  await fill(page, 'Code', wrong(code));
  await press(page, 'Verify');
  await alerted(page, 'form_code_incorrect');
  assert.equal((await w.api.user(max.id)).phone_numbers[0].verification.status, 'unverified');

  await press(page, 'Send again');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  assert.equal((await w.api.messages(to)).length, 1);
  await w.api.advance(31);
  await press(page, 'Send again');
  const second = await w.api.code(to, 2);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await fill(page, 'Code', second);
  await press(page, 'Verify');
  await heading(page, 'Text messages');
  await listed(page, 'Available', to);
  const [phone] = (await w.api.user(max.id)).phone_numbers;
  assert.equal(phone.verification.status, 'verified');
  assert.equal(phone.reserved_for_second_factor, false);

  await reserve(page, to);
  const codes = await shownCodes(page);
  assert.equal(codes.length, 10);
  await status(page, 'two factors');
  const user = await w.api.user(max.id);
  assert.equal(user.two_factor_enabled, true);
  assert.equal(user.backup_code_enabled, true);
  assert.equal(user.phone_numbers[0].reserved_for_second_factor, true);
  assert.equal(user.phone_numbers[0].default_second_factor, true);
});

journey('two numbers: make default, disable, remove', w, async ({ page }) => {
  const max = await newUser(w), first = number(), second = number();
  await signIn(w, page, max);
  for (const to of [first, second]) {
    await addPhone(w, page, to);
    await reserve(page, to);
  }
  await listed(page, 'In use', `${first} (default)`, second);
  await rows(page, 'In use').filter({ hasText: second }).getByRole('button', { name: 'Make default' }).click();
  await listed(page, 'In use', first, `${second} (default)`);
  const flags = async () => Object.fromEntries((await w.api.user(max.id)).phone_numbers.map(p => [p.phone_number, [p.reserved_for_second_factor, p.default_second_factor]]));
  assert.deepEqual(await flags(), { [first]: [true, false], [second]: [true, true] });

  await rows(page, 'In use').filter({ hasText: second }).getByRole('button', { name: 'Disable' }).click();
  await listed(page, 'In use', `${first} (default)`);
  await listed(page, 'Available', second);
  assert.deepEqual(await flags(), { [first]: [true, true], [second]: [false, false] });

  await rows(page, 'In use').filter({ hasText: first }).getByRole('button', { name: 'Remove' }).click();
  await listed(page, 'In use');
  await status(page, 'one factor');
  assert.deepEqual(await flags(), { [second]: [false, false] });
  assert.equal((await w.api.user(max.id)).two_factor_enabled, false);
});

journey('an authenticator app: the QR code, wrong and right code, disable, add again', w, async ({ page }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  const secrets = [];
  for (const round of [1, 2]) {
    await visit(page, '/authenticator/add');
    const uri = await page.getByLabel('Address').innerText();
    const secret = await page.getByLabel('Secret').innerText();
    secrets.push(secret);
    assert.equal(await scan(page.getByRole('img', { name: 'QR code' })), uri);
    assert.equal(new URL(uri).searchParams.get('secret'), secret);
    assert.ok(decodeURIComponent(uri).includes(max.email), uri);
    const code = await w.api.totp(secret);
    await fill(page, 'Code', wrong(code));
    await press(page, 'Verify');
    await alerted(page, 'form_code_incorrect');
    assert.equal((await w.api.user(max.id)).totp_enabled, false);
    await fill(page, 'Code', await w.api.totp(secret));
    await press(page, 'Verify');
    await shows(page.getByRole('paragraph'), 'The authenticator app is connected');
    await status(page, 'two factors');
    assert.equal((await shownCodes(page)).length, 10, `round ${round}`);
    const user = await w.api.user(max.id);
    assert.deepEqual([user.totp_enabled, user.two_factor_enabled, user.backup_code_enabled], [true, true, true]);

    await visit(page, '/authenticator');
    await shows(page.getByRole('paragraph'), 'Authenticator app is on');
    await press(page, 'Disable');
    await shows(page.getByRole('paragraph'), 'Authenticator app is off');
    await status(page, 'one factor');
    assert.equal((await w.api.user(max.id)).totp_enabled, false);
  }
  assert.notEqual(secrets[0], secrets[1]);
});

journey('backup codes: none without a factor, a new set voids the old', w, async ({ page }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  await visit(page, '/backup-codes');
  await press(page, 'Make new codes');
  await alerted(page, 'backup_codes_not_available');
  await addPhone(w, page, to);
  await reserve(page, to);
  const old = await shownCodes(page);
  await w.api.advance(6); // within five seconds the API repeats the set
  await visit(page, '/backup-codes');
  await shows(page.getByRole('paragraph'), 'Backup codes are on');
  await press(page, 'Make new codes');
  const fresh = await shownCodes(page);
  assert.equal(new Set([...old, ...fresh]).size, 20);
  const accepted = code => w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code }).then(a => a.code_type, e => e.message);
  assert.match(await accepted(old[0]), /422/);
  assert.equal(await accepted(fresh[0]), 'backup_code');
  assert.match(await accepted(fresh[0]), /422/);
});

async function scan(element) {
  const { PNG } = (await import('pngjs')).default;
  const { default: read } = await import('jsqr');
  const { data, width, height } = PNG.sync.read(await element.screenshot());
  return read(new Uint8ClampedArray(data), width, height)?.data;
}
