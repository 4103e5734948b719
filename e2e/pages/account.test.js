// The account: adding and removing factors, step-up, backup codes, sessions, and the task of a pending session.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { begin, browser, closed, fits, focused, heading, press, server, sessionOf, signInByTicket, state, test, visit } from './world.js';

begin();

const number = (n) => `+1415555${String(n).padStart(4, '0')}`;
const national = (n) => `(415) 555-${String(n).padStart(4, '0')}`;
const reserved = (...numbers) => ({ phone_number: numbers, phone_number_identification_status: numbers.map(() => 'reserved') });

async function signedIn(user, at) {
  const page = await visit(browser, server);
  await signInByTicket(page, server, user, at);
  return page;
}

/** Decodes the QR code on the page. */
async function scan(page) {
  const { width, height, data } = PNG.sync.read(await page.locator('.qr').screenshot());
  return jsQR(new Uint8ClampedArray(data), width, height)?.data;
}

/** The print button prints the codes without the buttons. */
async function printed(page, codes) {
  await page.evaluate(() => { window.print = () => { window.asked = (window.asked ?? 0) + 1; }; });
  await press(page, 'Print');
  assert.equal(await page.evaluate(() => window.asked), 1, 'the browser was asked to print, once');
  await page.emulateMedia({ media: 'print' });
  for (const code of codes) assert.ok(await page.getByText(code).isVisible(), 'every code is on paper');
  for (const name of ['Print', 'Copy', 'Download', 'Done']) assert.ok(!await page.locator('button', { hasText: name }).first().isVisible(), `${name} is not on paper`);
  await page.emulateMedia({ media: null });
}

async function saveCodes(page, name, who) {
  await heading(page, 'Save your backup codes');
  await state(page, name);
  const codes = await page.locator('.codes li').allInnerTexts();
  assert.equal(codes.length, 10);
  for (const code of codes) assert.match(code, /^[a-z0-9]{5}-[a-z0-9]{5}$/);
  await press(page, 'Copy');
  await page.locator('.toast').getByText('Copied').waitFor();
  assert.equal(await page.locator('button:focus').innerText(), 'Copied');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  for (const part of ['Backup codes for Example', who, new URL(server.url).host, ...codes.map((c, i) => `${String(i + 1).padStart(2)}. ${c}`)]) assert.ok(copied.includes(part), `the clipboard has ${part}`);
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Download')]);
  const file = await readFile(await download.path(), 'utf8');
  assert.equal(file, copied);
  assert.equal(download.suggestedFilename(), `example-backup-codes-${who}.txt`);
  await printed(page, codes);
  await press(page, 'Done');
  await page.getByText('Please save the codes first').waitFor();
  assert.match(await focused(page), /I have saved these codes/);
  await page.keyboard.press('Space');
  await press(page, 'Done');
  return codes;
}

test('the first number, with the keyboard: typed as at home, verified, backup codes, default', async () => {
  const user = await server.userNamed('nora');
  const page = await signedIn(user);
  await heading(page, 'Security');
  await page.getByText('Two-step sign-in is off.').waitFor();
  await state(page, 'security-empty');
  await press(page, 'Add: Text messages');
  await heading(page, 'Add a phone number');
  assert.match(await focused(page), /Phone number/);
  await state(page, 'add-phone');
  await page.keyboard.type('12');
  await page.keyboard.press('Enter');
  await page.getByText('This number cannot receive codes.').waitFor();
  assert.equal(await page.getByLabel('Phone number').inputValue(), '12');
  await state(page, 'add-phone-wrong');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(national(102));
  await page.keyboard.press('Enter');
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  assert.match(await focused(page), /Six-digit code/);
  await state(page, 'add-phone-code');
  await page.keyboard.type('111111');
  await page.getByText('This code is not right.').waitFor();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type((await server.text(number(102))).code);
  await saveCodes(page, 'add-phone-backup-codes', 'nora@example.com');
  await heading(page, 'Your number is ready');
  await state(page, 'add-phone-done');
  await press(page, 'Go to security settings');
  await heading(page, 'Security');
  await page.getByText('Two-step sign-in is on.').waitFor();
  await state(page, 'security-number');
  const shown = await server.backend('GET', `/v1/users/${user.id}`);
  assert.deepEqual(shown.phone_numbers.map((p) => [p.phone_number, p.reserved_for_second_factor, p.default_second_factor]), [[number(102), true, true]]);
  await page.done();
});

test('numbers of another country, refused ones, and ones that are taken', async () => {
  await server.userNamed('olga', reserved(number(103)));
  const page = await signedIn(await server.userNamed('otto'), '/account/add-phone');
  await heading(page, 'Add a phone number');
  assert.deepEqual(await page.getByLabel('Country').locator('option').allTextContents(), ['Canada (+1)', 'United States (+1)', 'Another country']);
  await page.getByLabel('Country').selectOption('Another country');
  await page.getByText('We do not send text messages to this country.').waitFor();
  await page.getByRole('link', { name: 'Add an authenticator app' }).waitFor();
  await state(page, 'add-phone-elsewhere');
  await page.getByLabel('Country').selectOption('US');
  await page.getByLabel('Phone number').fill('+49 1512 3456789'); // the + overrides the country
  await page.keyboard.press('Enter');
  await page.getByText('We do not send text messages to this country.').waitFor();
  await state(page, 'add-phone-refused');
  await page.getByLabel('Phone number').fill(number(103));
  await page.keyboard.press('Enter');
  await page.getByText('This number belongs to an account already.').waitFor();
  await page.getByLabel('Phone number').fill(`+1 800 555 0199`);
  await page.keyboard.press('Enter');
  await heading(page, 'Check your messages').catch(() => page.getByText('This number cannot receive codes.').waitFor());
  await page.done();
});

test('the server reads a number as its country writes it', async () => {
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['CI', 'RU'] });
  for (const [country, typed, want] of [['CI', '07 08 09 10 11', '+2250708091011'], ['RU', '8 (912) 345-67-89', '+79123456789']]) {
    const user = await server.userNamed(`region-${country.toLowerCase()}`);
    const page = await signedIn(user, '/account/add-phone');
    await heading(page, 'Add a phone number');
    await page.getByLabel('Country').selectOption(country);
    await page.getByLabel('Phone number').fill(typed);
    await page.keyboard.press('Enter');
    await heading(page, 'Check your messages');
    assert.equal((await server.backend('GET', `/v1/users/${user.id}`)).phone_numbers[0].phone_number, want);
    await page.done();
  }
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['CI'] });
  const page = await signedIn(await server.userNamed('region-one'), '/account/add-phone');
  await heading(page, 'Add a phone number');
  await page.getByText('(+225)').waitFor();
  assert.equal(await page.getByLabel('Country').count(), 0, 'one country needs no chooser');
  await page.done();
  await server.backend('PATCH', '/v1/instance', { sms_countries: ['US', 'CA'] });
});

test('a number that was added and never verified goes on where it stopped, also after a failed message', async () => {
  const user = await server.userNamed('paul');
  const page = await signedIn(user, '/account/add-phone');
  await heading(page, 'Add a phone number');
  await server.faults({ sms: true });
  await page.keyboard.type(national(104));
  await page.keyboard.press('Enter');
  await page.getByText('The message could not be sent.').waitFor();
  await state(page, 'add-phone-not-sent');
  await server.faults({});
  await server.advance(31);
  await press(page, 'Use another number');
  await heading(page, 'Add a phone number');
  assert.equal(await page.getByLabel('Phone number').inputValue(), national(104));
  await page.goto('/account/security');
  await page.getByText('Not verified').waitFor();
  await state(page, 'security-unverified');
  await press(page, 'Verify: number ending in 0104');
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type((await server.text(number(104))).code);
  await heading(page, 'Save your backup codes');
  page.on('dialog', (d) => d.accept());
  await page.done();
});

test('the authenticator app: the drawn code reads as the address, the steps move the focus', async () => {
  const user = await server.userNamed('quinn');
  const page = await signedIn(user, '/account/add-authenticator');
  await heading(page, 'Add an authenticator app');
  await state(page, 'add-authenticator');
  await press(page, 'Cannot scan it?');
  await state(page, 'add-authenticator-manual');
  const shown = await page.locator('.copyable bdi').innerText();
  assert.match(shown, /^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/, 'the key is in groups of four');
  const secret = shown.replaceAll(' ', '');
  const uri = await page.getByRole('link', { name: 'Open in my authenticator app' }).getAttribute('href');
  assert.equal(await scan(page), uri);
  assert.ok(uri.startsWith('otpauth://totp/') && uri.includes(secret));
  await press(page, 'Copy: Setup key');
  await page.locator('.toast').getByText('Copied').waitFor();
  assert.equal(await page.locator('button:focus').innerText(), 'Copied');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await press(page, 'I have added the key');
  await heading(page, 'Check your authenticator app');
  assert.match(await focused(page), /Six-digit code/);
  await page.keyboard.type('000000');
  await page.getByText('Codes change every 30 seconds').waitFor();
  await state(page, 'add-authenticator-wrong');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(await server.totp(secret));
  await saveCodes(page, 'add-authenticator-backup-codes', 'quinn@example.com');
  await heading(page, 'Your authenticator app is ready');
  await press(page, 'Go to security settings');
  await page.getByText('Two-step sign-in is on.').waitFor();
  await page.goto('/account/add-authenticator');
  await page.getByText('You have an authenticator app already.').waitFor();
  assert.ok(!server.log.join('\n').includes(secret), 'the secret is not in the log');
  await page.done();
});

test('drawn codes of every size can be read', async () => {
  const page = await signedIn(await server.userNamed('rita'), '/account/add-authenticator');
  await heading(page, 'Add an authenticator app');
  const base = await page.locator('script[type=module]:not([async])').getAttribute('src');
  for (const length of [1, 14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666]) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + length) % 90))).join('');
    await page.evaluate(async ({ at, text }) => {
      const { qr } = await import(at);
      const picture = qr(text, 'test');
      picture.style.inlineSize = '600px';
      document.querySelector('.qr').replaceChildren(picture);
    }, { at: base.replace(/[a-z]+\.js$/, 'qr.js'), text });
    assert.equal(await scan(page), text, `${length} characters`);
  }
  await page.done();
});

test('what people type and paste is read as they mean it', async () => {
  const page = await signedIn(await server.userNamed('rolf'), '/account/add-phone');
  await heading(page, 'Add a phone number');
  const base = (await page.locator('script[type=module]:not([async])').getAttribute('src')).replace(/[a-z]+\.js$/, '');
  const read = (file, name, args) => page.evaluate(async ({ at, name, args }) => (await import(at))[name](...args), { at: base + file, name, args });
  for (const [text, want] of [
    ['424242', '424242'], ['123 456', '123456'], ['123-456', '123456'], ['\uff11\uff12\uff13\uff14\uff15\uff16', '123456'], ['Order 111222\n\n@localhost #654321', '654321'],
    ['Your code is 098765. Do not share it.', '098765'], ['12345', ''], ['1234567', ''], ['', ''], ['call 2015550123', ''],
  ]) assert.equal(await read('otp.js', 'digitsIn', [text]), want, text);
  await page.done();
});

test('a sensitive change asks who is there, and goes on by itself', async () => {
  const user = await server.userNamed('sara', { ...reserved(number(105), number(106)) });
  let page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('424242');
  await heading(page, 'Security');
  await state(page, 'security-two-numbers');
  await press(page, 'Make default: number ending in 0106');
  await page.getByText('This number is now asked first.').waitFor();
  await server.age(await sessionOf(page), 11);
  await server.advance(31);
  await press(page, 'Remove: number ending in 0105');
  await page.getByRole('dialog', { name: 'Remove +1 415 555 0105?' }).waitFor();
  await state(page, 'security-confirm');
  assert.equal(await focused(page), 'Cancel', 'the safe answer has the focus');
  await press(page, 'Remove');
  await page.getByRole('heading', { level: 3, name: 'Check your messages' }).waitFor();
  await page.getByText('Code sent.').waitFor();
  await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor();
  await state(page, 'reverify');
  assert.match(await focused(page), /Six-digit code/);
  await page.keyboard.press('Escape');
  await closed(page);
  assert.equal((await server.backend('GET', `/v1/users/${user.id}`)).phone_numbers.length, 2, 'closing changes nothing');
  await server.advance(31);
  await press(page, 'Remove: number ending in 0105');
  await press(page, 'Remove');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('999999');
  await page.getByText('This code is not right.').waitFor();
  await state(page, 'reverify-wrong');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('424242');
  await page.getByText('Number removed.').waitFor();
  const left = (await server.backend('GET', `/v1/users/${user.id}`)).phone_numbers;
  assert.deepEqual(left.map((p) => p.phone_number), [number(106)]);
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.done();
});

test('step-up by password for who has no second factor, and adding continues', async () => {
  const page = await signedIn(await server.userNamed('theo'), '/account/add-authenticator');
  await heading(page, 'Add an authenticator app');
  await server.age(await sessionOf(page), 11);
  await page.goto('/account/add-phone');
  await heading(page, 'Add a phone number');
  await page.keyboard.type(national(107));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 3, name: 'Enter your password' }).waitFor();
  await state(page, 'reverify-password');
  await page.keyboard.type('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your messages');
  await page.done();
});

test('stop using, use again, replace backup codes, remove the app', async () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const user = await server.userNamed('udo', { ...reserved(number(108)), totp_secret: secret });
  const page = await signedIn(user);
  await heading(page, 'Check your authenticator app');
  await page.keyboard.type(await server.totp(secret));
  await heading(page, 'Security');
  await press(page, 'Turn off: number ending in 0108');
  await press(page, 'Turn off');
  await page.getByText('The number receives no more codes.').waitFor();
  await page.getByRole('region', { name: 'Other numbers' }).waitFor();
  await state(page, 'security-other-numbers');
  await press(page, 'Use for sign-in: number ending in 0108');
  const first = await saveCodes(page, 'security-backup-codes', 'udo@example.com'); // the first set comes with the number
  await page.getByText('The number now receives sign-in codes.').waitFor();
  await heading(page, 'Security');
  await press(page, 'Replace backup codes');
  await heading(page, 'Backup codes');
  await page.getByText('New codes make the old ones invalid.').waitFor();
  await state(page, 'backup-codes');
  await server.advance(10); // within five seconds the API repeats the set
  await press(page, 'Replace backup codes');
  const second = await saveCodes(page, 'backup-codes-shown', 'udo@example.com');
  assert.ok(!second.some((c) => first.includes(c)));
  await heading(page, 'Security');
  await press(page, 'Remove: Authenticator app');
  await press(page, 'Remove');
  await page.getByText('Authenticator app removed.').waitFor();
  assert.equal((await server.backend('GET', `/v1/users/${user.id}`)).totp_enabled, false);
  await page.done();
});

test('what was done is told: ways, numbers, wrong codes, and what the team did', async () => {
  const user = await server.userNamed('tess', reserved(number(111)));
  let page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('999999');
  await page.getByText('This code is not right.').waitFor();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('424242');
  await heading(page, 'Security');
  const events = page.getByRole('region', { name: 'Recent security events' });
  for (const said of [/^Wrong code\n.*Text message · \+1 415 555 0111/, /^Signed in\n.*Text message · Chrome on Linux · 127\.0\.0\.x · \+1 415 555 0111/, /^Account created\n.*by the team behind this app/]) {
    await events.getByRole('listitem').filter({ hasText: new RegExp(said.source.replace('^', '').replaceAll('\\n', '')) }).first().waitFor();
  }
  for (let i = 0; i < 3; i++) {
    await server.backend('POST', `/v1/users/${user.id}/lock`);
    await server.backend('POST', `/v1/users/${user.id}/unlock`);
  }
  for (let i = 0; i < 4; i++) {
    await server.advance(31);
    const other = await visit(browser, server);
    await signInByTicket(other, server, user);
    await other.getByText('Code sent.').waitFor();
    await other.keyboard.type('424242');
    await heading(other, 'Security');
    await other.done();
  }
  await page.reload();
  await heading(page, 'Security');
  await press(page, /^\d+ more events?$/);
  await events.getByText('Account created').waitFor();
  await state(page, 'security-events');
  const told = await page.evaluate(async () => (await fetch('/v1/me/audit_events')).json());
  assert.ok(await events.getByRole('listitem').count() < told.length, 'the code of a sign-in stands in its row');
  await page.done();
});

test('sessions: this device is marked, the others can be signed out', async () => {
  const user = await server.userNamed('vera');
  const other = await signedIn(user);
  await heading(other, 'Security');
  const third = await signedIn(user);
  await heading(third, 'Security');
  const page = await signedIn(user);
  await heading(page, 'Security');
  await page.getByText('This device').waitFor();
  await state(page, 'security-sessions');
  await press(page, 'Sign out all others');
  await page.getByRole('dialog', { name: 'Sign out all other devices?' }).getByText('Other devices that are signed in: 2.').waitFor();
  assert.equal(await focused(page), 'Cancel');
  await press(page, 'Sign out');
  await page.getByText('Signed out there.').waitFor();
  assert.equal((await server.backend('GET', `/v1/sessions?user_id=${user.id}`)).length, 1);
  await other.reload();
  await heading(other, 'Sign in');
  await press(page, 'Sign out');
  await heading(page, 'Sign in');
  for (const p of [other, third, page]) await p.done();
});

test('sessions name system and network; "This wasn’t me" signs the others out at once and renews the backup codes', async () => {
  const user = await server.userNamed('wanda', { ...reserved(number(114)), backup_codes: ['abcde-12345', 'fghij-12345'] });
  const pages = [];
  for (const code of ['abcde-12345', '424242', '424242']) {
    await server.advance(31);
    const page = await visit(browser, server);
    await signInByTicket(page, server, user);
    await heading(page, 'Check your messages');
    if (code === '424242') await page.getByText('Code sent.').waitFor();
    else await press(page, 'Backup code');
    await page.keyboard.type(code);
    if (code !== '424242') {
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Continue' }).filter({ visible: true }).click(); // the page that says how many codes are left
    }
    await heading(page, 'Security');
    pages.push(page);
  }
  const page = pages.pop();
  await page.getByText('1 of 2 left').waitFor();
  assert.match(await page.getByRole('region', { name: 'Where you are signed in' }).innerText(), /Chrome on Linux[^]*127\.0\.0\.x · Last active/);
  await state(page, 'security-not-me');
  let revoked = 0;
  page.on('request', (r) => { if (r.url().includes('/revoke')) revoked++; });
  await page.getByRole('button', { name: /^This wasn’t me: Backup code used/ }).click();
  await page.getByRole('dialog', { name: 'Secure your account?' }).waitFor();
  assert.equal(await focused(page), 'Cancel');
  await press(page, 'Secure my account');
  await saveCodes(page, 'not-me-backup-codes', 'wanda@example.com');
  await page.getByText('Now change your password.').waitFor();
  assert.match(await focused(page), /Now change your password\./);
  await state(page, 'security-not-me-done');
  assert.equal(await page.locator('.notice').getByRole('link', { name: 'Change password' }).getAttribute('href'), '/account/password');
  assert.equal(revoked, 1, 'one request signs all others out');
  await page.getByText('10 of 10 left').waitFor();
  await page.getByText('All other devices signed out').waitFor();
  assert.equal((await server.backend('GET', `/v1/sessions?user_id=${user.id}`)).length, 1);
  for (const p of [...pages, page]) await p.done();
});

test('people name their app and numbers, and see when each was added and last used', async () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const user = await server.userNamed('zora', { totp_secret: secret, ...reserved(number(131)) });
  const page = await signedIn(user);
  await heading(page, 'Check your authenticator app');
  await page.keyboard.type(await server.totp(secret));
  await heading(page, 'Security');
  const app = page.locator('.row', { hasText: 'Authenticator app' }).filter({ hasText: 'Remove' });
  await app.getByText('Last used now').waitFor();
  await page.locator('.row', { hasText: '555' }).getByText('Not used yet').waitFor();
  await press(page, 'Rename: Authenticator app');
  await page.getByRole('heading', { name: 'A name of your own' }).waitFor();
  await page.keyboard.type('Work phone');
  await state(page, 'security-rename');
  await page.keyboard.press('Enter');
  await closed(page);
  await app.getByText('“Work phone”').waitFor();
  await page.locator('.toast').getByText('Name saved').waitFor();
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Rename: Authenticator app$/, 'the focus is where it was');
  await press(page, 'Rename: number ending in 0131');
  await page.getByLabel('Name', { exact: true }).fill('Moth\u202eer');
  await page.keyboard.press('Enter');
  await page.getByText('This name has characters that cannot be shown.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Mother');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('“Mother”').waitFor();
  await state(page, 'security-named');
  await fits(page, 'security-named');
  const stored = await server.backend('GET', `/v1/users/${user.id}`);
  assert.deepEqual(stored.factor_details.map((d) => d.name), ['Work phone', 'Mother']);
  await press(page, 'Rename: Authenticator app');
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Work phone');
  await page.getByLabel('Name', { exact: true }).fill('');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('“Work phone”').waitFor({ state: 'detached' });
  await page.done();
});

test('the last factor cannot go while one is required', async () => {
  const user = await server.userNamed('willy', reserved(number(109)));
  const page = await signedIn(user);
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('424242');
  await heading(page, 'Security');
  await server.settings({ mfa_required: true });
  await press(page, 'Remove: number ending in 0109');
  await press(page, 'Turn off');
  await page.getByText('A second step is required here.').waitFor();
  await state(page, 'security-refused');
  await press(page, 'Close');
  await server.settings({ mfa_required: false });
  await page.done();
});

test('the task of a pending session: guided, and then on to where it was going', async () => {
  const user = await server.userNamed('xenia');
  await server.settings({ mfa_required: true });
  const page = await visit(browser, server);
  await page.goto('/sign-in?redirect_url=/account/backup-codes');
  await page.getByLabel('Email, phone').fill('xenia@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Protect your account');
  await state(page, 'setup');
  await press(page, 'Authenticator app');
  await heading(page, 'Add an authenticator app');
  await press(page, 'Choose another way');
  await heading(page, 'Protect your account');
  await press(page, 'Text message');
  await heading(page, 'Add a phone number');
  await page.keyboard.type(national(110));
  await page.keyboard.press('Enter');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('424242');
  await saveCodes(page, 'setup-backup-codes', 'xenia@example.com');
  await heading(page, 'Your account is protected');
  assert.equal((await server.backend('GET', `/v1/sessions?user_id=${user.id}`))[0].status, 'active', 'the task is settled before the application is reached');
  await state(page, 'setup-done');
  await press(page, 'Continue');
  await page.waitForURL('**/account/backup-codes');
  await heading(page, 'Backup codes');
  await server.settings({ mfa_required: false });
  await page.done();
});

test('who is not signed in comes to the sign-in page and back', async () => {
  const user = await server.userNamed('yann');
  const page = await visit(browser, server);
  await page.goto('/account/backup-codes');
  await heading(page, 'Sign in');
  await page.getByLabel('Email, phone').fill('yann@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Backup codes');
  await page.getByText('Backup codes need another method first').waitFor();
  assert.equal((await page.goto('/account/nowhere')).status(), 404);
  await heading(page, 'Page not found');
  await state(page, 'missing');
  await server.faults({ store: true });
  await page.goto('/account/security');
  await page.getByText('The service is busy.').waitFor();
  await server.faults({});
  await press(page, 'Try again');
  await heading(page, 'Security');
  await page.done();
  assert.ok(user.id);
});

test('a session that was ended elsewhere leads to the sign-in page and back', async () => {
  const user = await server.userNamed('zita');
  const page = await signedIn(user, '/account/add-phone');
  await heading(page, 'Add a phone number');
  await server.backend('POST', `/v1/sessions/${await sessionOf(page)}/revoke`);
  await page.keyboard.type(national(112));
  await page.keyboard.press('Enter');
  await heading(page, 'Sign in');
  await page.getByLabel('Email, phone').fill('zita@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Add a phone number');
  await page.done();
});

test('nothing moves while a page loads', async () => {
  const page = await signedIn(await server.userNamed('alf'));
  await heading(page, 'Security');
  for (const path of ['/account/security', '/account/add-phone', '/account/add-authenticator', '/account/backup-codes', '/account/nowhere']) {
    await page.goto(path);
    await page.locator('#page h1:visible').waitFor();
    const shift = await page.evaluate(() => new Promise((resolve) => {
      let sum = 0;
      new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => resolve(sum), 400);
    }));
    assert.ok(shift < 0.1, `${path} moves by ${shift}`);
  }
  await page.done();
});

test('every text of the catalogue fits: every language but English at 320 pixels', async () => {
  const user = await server.userNamed('berta', { ...reserved(number(113)), totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
  for (const [lang, title] of [['de', 'Sicherheit'], ['es', 'Seguridad'], ['fr', 'Sécurité'], ['pt', 'Segurança'], ['ja', 'セキュリティ']]) {
    const page = await visit(browser, server, { locale: lang });
    await signInByTicket(page, server, user);
    await page.locator('input.code').waitFor();
    await state(page, `second-factor-${lang}`);
    await server.advance(31);
    await page.keyboard.type(await server.totp('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'));
    await heading(page, title);
    await state(page, `security-${lang}`);
    await page.done();
  }
});

/** An application's page: it authenticates the user and redirects back with a ticket. */
async function startTeam(user) {
  const asked = [];
  const team = createServer(async (request, response) => {
    const to = new URL(request.url, 'http://localhost').searchParams.get('redirect_url');
    asked.push(to);
    response.writeHead(302, { Location: `${to}#ticket=${await server.ticket(user().id)}` }).end();
  });
  await new Promise((done) => { team.listen(0, 'localhost', done); });
  await server.backend('PATCH', '/v1/instance', { reauth_url: `http://localhost:${team.address().port}/confirm?from=mfa` });
  return { asked, stop: () => new Promise((done) => { team.close(done); }) };
}

test('a person without a password steps up with a ticket from the team\'s own page', async () => {
  const user = await server.userNamed('petra', { password: undefined });
  let who = user;
  const team = await startTeam(() => who);
  const page = await signedIn(user);
  await heading(page, 'Security');
  await server.age(await sessionOf(page), 11);
  await page.goto('/account/add-authenticator');
  await page.getByRole('dialog').waitFor();
  await state(page, 'reverify-elsewhere');
  assert.match(await focused(page), /Confirm there/);
  await page.keyboard.press('Enter');
  await page.getByText('Confirmed.').waitFor();
  await heading(page, 'Add an authenticator app');
  assert.equal(new URL(page.url()).hash, '', 'the ticket is in no address');
  assert.deepEqual(team.asked, [`${server.url}/account/add-authenticator`]);

  await server.age(await sessionOf(page), 11);
  who = await server.userNamed('pavel', { password: undefined });
  await page.goto('/account/add-authenticator');
  await press(page, 'Confirm there');
  await page.getByRole('dialog').waitFor();
  await page.getByRole('heading', { name: 'That did not work' }).waitFor();
  await press(page, 'Close');
  await page.getByRole('link', { name: 'Confirm there' }).waitFor();
  await server.backend('PATCH', '/v1/instance', { reauth_url: '' });
  await team.stop();
  await page.done();
});

test('a person without a password who must set up a second factor steps up in the same way', async () => {
  await server.settings({ mfa_required: true });
  const user = await server.userNamed('paula', { password: undefined });
  const team = await startTeam(() => user);
  const page = await signedIn(user);
  await heading(page, 'Protect your account');
  await server.age(await sessionOf(page), 11);
  await press(page, 'Authenticator app');
  await press(page, 'Confirm there');
  await page.getByText('Confirmed.').waitFor();
  await press(page, 'Authenticator app');
  await heading(page, 'Add an authenticator app');
  await server.backend('PATCH', '/v1/instance', { reauth_url: '' });
  await server.settings({ mfa_required: false });
  await team.stop();
  await page.done();
});
