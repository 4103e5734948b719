// Signing in: every method, and its failures.

import assert from 'node:assert/strict';
import { begin, browser, focused, heading, press, server, signInByTicket, state, tab, test, totp, visit } from './world.js';

begin();

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const number = (n) => `+1201555${String(n).padStart(4, '0')}`;

async function password(page, name, text = 'correct horse') {
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  assert.match(await focused(page), /Email, phone/, 'the first field has the focus');
  await page.keyboard.type(`${name}@example.com`);
  await tab(page, 'Password');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

test('password alone, with the keyboard', async () => {
  await server.userNamed('anna');
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  await state(page, 'sign-in');
  await password(page, 'anna');
  await heading(page, 'Security');
  assert.match(await page.locator('#top').innerText(), /anna@example\.com/);
  await page.goto('/sign-in');
  await heading(page, 'Security'); // a signed-in user is redirected
  await page.done();
});

test('a wrong password is said at the field, and nothing typed is lost', async () => {
  const user = await server.userNamed('bert');
  const page = await visit(browser, server);
  await password(page, 'bert', 'wrong horse');
  await page.getByText('That email or password isn’t right.').waitFor();
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'bert@example.com');
  assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), 'wrong horse');
  assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true');
  assert.match(await focused(page), /Password/, 'the focus is where it is to be mended');
  await state(page, 'sign-in-wrong-password');
  await server.backend('POST', `/v1/users/${user.id}/lock`);
  await password(page, 'bert');
  await heading(page, 'Sign-in to your account is paused');
  await page.getByText(/You can sign in again/).waitFor();
  await state(page, 'sign-in-locked');
  await press(page, 'Back to sign-in');
  await heading(page, 'Sign in');
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'bert@example.com');
  await page.done();
});

test('no network: the words stay, and it works when the network is back', async () => {
  await server.userNamed('cora');
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  await page.context().setOffline(true);
  await page.getByLabel('Email, phone').fill('cora@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await page.getByText('No connection.').waitFor();
  await state(page, 'sign-in-offline');
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'cora@example.com');
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Continue' }).click();
  await heading(page, 'Security');
  await page.done();
});

test('a text message: sent by itself once, pasted as a whole, and a new one after the pause', async () => {
  const to = number(101 + 20);
  const user = await server.userNamed('dora', { phone_number: [to], phone_number_identification_status: ['reserved'] });
  await server.settings({ test_mode: false });
  const page = await visit(browser, server);
  await page.clock.install();
  await password(page, 'dora');
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  const again = page.locator('button', { hasText: /New code in \d+ seconds/ });
  await again.waitFor();
  await state(page, 'sign-in-text');
  assert.equal(await page.getByLabel('Six-digit code').getAttribute('autocomplete'), 'one-time-code');
  const { code, text } = await server.text(to);
  const messages = await server.messages(to);
  assert.equal(messages.length, 1, 'one message');
  const wrong = code === '000000' ? '000001' : '000000';
  await page.keyboard.type(wrong);
  await page.getByText('This code is not right.').waitFor();
  assert.match(await focused(page), /Six-digit code/);
  await state(page, 'sign-in-wrong-code');
  await server.advance(31);
  await page.clock.fastForward(31000);
  await press(page, 'Send a new code');
  await page.getByText('Code sent.').waitFor();
  const second = await server.text(to);
  assert.equal((await server.messages(to)).length, 2);
  assert.equal(second.text, text, 'a resend repeats the code');
  // the whole message, as copied from a phone
  await page.evaluate((message) => navigator.clipboard.writeText(message), second.text);
  await page.getByLabel('Six-digit code').focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('ControlOrMeta+v');
  await heading(page, 'Security');
  await server.settings({ test_mode: true });
  assert.ok(!server.log.join('\n').includes(second.code) && !server.log.join('\n').includes(to), 'neither code nor number is in the log');
  await page.done();
  assert.ok(user.id);
});

test('the authenticator app comes first, backup codes last, and each works', async () => {
  const to = number(140);
  await server.userNamed('emil', { phone_number: [to], phone_number_identification_status: ['reserved'], totp_secret: secret, backup_codes: ['abcde-12345', 'bcdea-12345', 'cdeab-12345', 'deabc-12345', 'eabcd-12345'] });
  let page = await visit(browser, server);
  await password(page, 'emil');
  await heading(page, 'Check your authenticator app');
  await state(page, 'sign-in-app');
  assert.equal(await server.text(to), undefined, 'nobody asked for a message');
  assert.equal(totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 59000), '287082', 'the test reads RFC 6238 as it is');
  await page.keyboard.type(await server.totp(secret));
  await heading(page, 'Security');
  await page.done();

  page = await visit(browser, server);
  await password(page, 'emil');
  await heading(page, 'Check your authenticator app');
  await press(page, 'Backup code');
  await heading(page, 'Use a backup code');
  await state(page, 'sign-in-backup-code');
  await page.keyboard.type('ABCDE 99999');
  await page.keyboard.press('Enter');
  await page.getByText('This backup code is not right').waitFor();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('abcde12345');
  await page.keyboard.press('Enter');
  await heading(page, '4 backup codes left');
  assert.equal(await page.getByRole('link', { name: 'Replace backup codes' }).count(), 0, 'enough are left');
  await state(page, 'sign-in-codes-left');
  await press(page, 'Continue');
  await heading(page, 'Security');
  await page.done();

  for (const [code, title] of [['bcdea12345', '3 backup codes left'], ['cdeab12345', '2 backup codes left'], ['deabc12345', '1 backup code left']]) {
    page = await visit(browser, server);
    await password(page, 'emil');
    await page.getByRole('button', { name: 'Backup code' }).click();
    await heading(page, 'Use a backup code');
    await page.keyboard.type(code);
    await page.keyboard.press('Enter');
    await heading(page, title);
    if (title.startsWith('1')) await state(page, 'sign-in-codes-few');
    await page.getByRole('link', { name: 'Replace backup codes' }).click();
    await heading(page, 'Backup codes');
    await page.done();
  }
});

test('the name of a button stays while it counts down, and its description has steps of ten seconds', async () => {
  const to = number(141);
  await server.userNamed('gina', { phone_number: [to], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await page.clock.install();
  await password(page, 'gina');
  await page.getByText('Code sent.').waitFor();
  const again = page.getByRole('button', { name: 'Send a new code', exact: true });
  const heard = [];
  const seen = new Set();
  for (let second = 0; second < 30; second++) {
    await again.waitFor(); // its name, as a screen reader has it
    const described = await again.evaluate((b) => document.getElementById(b.getAttribute('aria-describedby'))?.textContent);
    if (described && described !== heard.at(-1)) heard.push(described);
    seen.add(await again.locator('[aria-hidden=true]').textContent());
    await page.clock.runFor(1000);
  }
  assert.deepEqual(heard, ['New code in 30 seconds', 'New code in 20 seconds', 'New code in 10 seconds']);
  assert.ok(seen.size > 20, `eyes see each second: ${[...seen]}`);
  await page.clock.runFor(2000);
  await page.waitForFunction((b) => !b.hasAttribute('aria-describedby') && !b.hasAttribute('aria-disabled'), await again.elementHandle());
  await page.done();
});

test('the message cannot be sent: said, with the other ways at hand', async () => {
  const to = number(150);
  await server.userNamed('fred', { phone_number: [to], phone_number_identification_status: ['reserved'], backup_codes: ['fghij-12345'] });
  await server.faults({ sms: true });
  const page = await visit(browser, server);
  await password(page, 'fred');
  await page.getByText('The message could not be sent.').waitFor();
  await state(page, 'sign-in-not-sent');
  await page.reload();
  await page.getByText('The message could not be sent.').waitFor();
  await page.getByText('We text a six-digit code to the number ending in 50.').waitFor();
  assert.equal(await page.getByText('We sent a code').count(), 0, 'no message was sent');
  assert.ok(await page.getByRole('button', { name: 'Send code' }).isEnabled(), 'another one may be sent at once');
  await state(page, 'sign-in-not-sent-reloaded');
  await server.faults({});
  await press(page, 'Backup code');
  await page.keyboard.type('fghij-12345');
  await page.keyboard.press('Enter');
  await heading(page, '0 backup codes left');
  await press(page, 'Continue');
  await heading(page, 'Security');
  await page.done();
});

test('wrong codes: five tries end the sign-in, then a wait, then a lock, each in plain words', async () => {
  await server.userNamed('gerd', { totp_secret: secret });
  const page = await visit(browser, server);
  await page.clock.install();
  await password(page, 'gerd');
  await heading(page, 'Check your authenticator app');
  const guess = async (digits) => {
    await page.getByLabel('Six-digit code').fill('');
    const answered = page.waitForResponse((r) => r.url().includes('attempt_second_factor'));
    await page.getByLabel('Six-digit code').pressSequentially(digits);
    await answered;
  };
  for (let i = 0; i < 5; i++) await guess(`00000${i}`);
  await guess('000009');
  await page.getByText('Too many wrong codes. Please sign in again.').waitFor();
  await state(page, 'sign-in-over');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your authenticator app');
  await guess('000009');
  await page.getByText('Too many tries. Please wait a little.').waitFor();
  await page.locator('button', { hasText: /Continue in \d+ seconds/ }).waitFor();
  await state(page, 'sign-in-wait');
  for (const wait of [31, 61, 121]) {
    await server.advance(wait);
    await page.clock.fastForward(wait * 1000);
    await guess('000010');
    await page.getByText(/This code is not right/).waitFor();
  }
  await server.advance(3600); // longer than a sign-in lives
  await guess('000011');
  await page.getByText('This sign-in has ended').waitFor();
  await state(page, 'sign-in-expired');
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'gerd@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your authenticator app');
  await guess('000012'); // the ninth
  await server.advance(490);
  await guess('000013'); // the tenth
  await guess('000014');
  await heading(page, 'Your account is locked for now');
  await page.getByText(/You can go on in/).waitFor();
  await state(page, 'second-factor-locked');
  await page.done();
});

test('a forgotten password: the application\'s page, only where there is one', async () => {
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  assert.equal(await page.getByRole('link', { name: 'Forgot your password?' }).count(), 0);
  await server.settings({ password_reset_url: 'https://app.example.com/forgot?from=mfa', appearance: { support: 'mailto:help@example.com' } });
  await server.advance(31); // pages keep the appearance for half a minute
  await page.reload();
  const link = page.locator('form').getByRole('link', { name: 'Forgot your password?' });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), 'https://app.example.com/forgot?from=mfa');
  assert.deepEqual(await page.locator('form').evaluate((form) => [...form.querySelectorAll('input, a, button[type=submit]')].map((e) => e.name || e.innerText)),
    ['username', 'password', 'Forgot your password?', 'Get help', 'Continue'], 'under the password');
  await state(page, 'sign-in-forgot');
  await server.settings({ password_reset_url: '', appearance: {} });
  await page.done();
});

test('a text message as the first factor, only where the settings allow it', async () => {
  const to = number(160);
  await server.userNamed('heidi', { phone_number: [to] });
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  assert.equal(await page.getByRole('button', { name: 'Text me a code instead' }).count(), 0);
  await server.settings({ first_factor_phone_code: true });
  await page.reload();
  await heading(page, 'Sign in');
  await press(page, 'Text me a code instead');
  await page.getByText('Please fill this in.').waitFor();
  await page.keyboard.type('heidi@example.com');
  await press(page, 'Text me a code instead');
  await heading(page, 'Check your messages');
  await page.getByText('Code sent.').waitFor();
  await page.keyboard.type('424242');
  await heading(page, 'Security');
  await server.settings({ first_factor_phone_code: false });
  await page.done();
});

test('over the limit of messages: how long, and the other ways', async () => {
  const to = number(161);
  await server.userNamed('iwan', { phone_number: [to], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await password(page, 'iwan');
  for (let i = 0; i < 5; i++) {
    await page.getByText('Code sent.').waitFor();
    await server.advance(31);
    await page.reload();
    await heading(page, 'Check your messages');
    await press(page, 'Send a new code');
  }
  await page.getByText('Too many codes were sent. Please wait, or use another way.').waitFor();
  await page.locator('button', { hasText: /New code in \d/ }).waitFor();
  await state(page, 'sign-in-limit');
  await page.done();
});

test('an old code, and a message that was guessed at too often', async () => {
  const to = '+12015550162'; // a test number: its code is 424242
  await server.userNamed('jutta', { phone_number: [to], phone_number_identification_status: ['reserved'], totp_secret: secret });
  const page = await visit(browser, server);
  await password(page, 'jutta');
  await heading(page, 'Check your authenticator app');
  await press(page, 'Text message to');
  await page.getByText('Code sent.').waitFor();
  await server.advance(601);
  await page.keyboard.type('424242');
  await page.getByText('This code is too old. Send a new one.').waitFor();
  await state(page, 'sign-in-old-code');
  await page.reload();
  await heading(page, 'Check your authenticator app');
  await press(page, 'Text message to');
  await page.getByText('Code sent.').waitFor();
  for (let i = 0; i < 5; i++) {
    const answered = page.waitForResponse((r) => r.url().includes('attempt_second_factor'));
    await page.getByLabel('Six-digit code').fill(`11111${i}`);
    await answered;
  }
  await server.advance(31);
  await page.getByLabel('Six-digit code').fill('424242');
  await page.getByText('Too many wrong codes.').waitFor();
  await state(page, 'sign-in-too-often'); // the sign-in has ended for every method
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'jutta@example.com', 'who it is outlives a reload');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your authenticator app');
  await page.keyboard.type(await server.totp(secret));
  await heading(page, 'Security');
  await page.done();
});

test('the browser hands the code over (WebOTP)', async () => {
  const to = number(163);
  await server.userNamed('kurt', { phone_number: [to], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await page.addInitScript(() => {
    globalThis.OTPCredential = class {};
    navigator.credentials.get = async ({ otp }) => (otp.transport.includes('sms') ? { code: '424242' } : null);
  });
  await password(page, 'kurt');
  await heading(page, 'Security');
  await page.done();
});

test('a ticket link: used once, gone from the address, and refused the second time', async () => {
  const user = await server.userNamed('hans');
  const token = await server.ticket(user.id);
  let page = await visit(browser, server);
  await page.goto(`/sign-in?redirect_url=/account/add-phone#ticket=${token}`);
  await heading(page, 'Add a phone number');
  await page.goBack().catch(() => {});
  assert.ok(!page.url().includes(token), 'the ticket is not in the history');
  await page.done();

  page = await visit(browser, server);
  await page.goto(`/sign-in?__clerk_ticket=${token}`);
  await heading(page, 'This link does not work');
  await page.getByText('This sign-in link was used already.').waitFor();
  assert.equal(new URL(page.url()).search, '');
  await state(page, 'sign-in-ticket-used');
  await press(page, 'Sign in with a password');
  await heading(page, 'Sign in');
  await page.done();
});

test('a ticket is not lost with the network', async () => {
  const user = await server.userNamed('hugo');
  const page = await visit(browser, server);
  await page.route('**/v1/client/sign_ins', (route) => route.abort(), { times: 1 });
  await signInByTicket(page, server, user);
  await page.getByText('No connection.').waitFor();
  await press(page, 'Try again');
  await heading(page, 'Security');
  await page.done();
});

test('a ticket link in a browser that is signed in asks first', async () => {
  const ida = await server.userNamed('ida');
  const page = await visit(browser, server);
  await signInByTicket(page, server, ida);
  await heading(page, 'Security');
  await signInByTicket(page, server, await server.userNamed('jan'));
  await page.reload(); // a changed fragment alone loads nothing
  await heading(page, 'Security');
  await page.goto('about:blank');
  await signInByTicket(page, server, await server.userNamed('jana'));
  await heading(page, 'You are signed in already');
  await page.getByText('ida@example.com').waitFor();
  await state(page, 'sign-in-already');
  await press(page, 'Sign out and use the link');
  await heading(page, 'Security');
  assert.match(await page.locator('#top').innerText(), /jana@example\.com/);
  await page.done();
});

test('a used or expired link never ends the session of a browser', async () => {
  const [lia, other] = [await server.userNamed('lia'), await server.userNamed('lars')];
  const page = await visit(browser, server);
  await signInByTicket(page, server, lia);
  await heading(page, 'Security');
  const used = await server.ticket(other.id);
  const elsewhere = await visit(browser, server);
  await elsewhere.goto(`/sign-in#ticket=${used}`);
  await heading(elsewhere, 'Security');
  await elsewhere.done();
  await page.goto(`/sign-in#ticket=${used}`);
  await heading(page, 'This link does not work');
  await page.getByText('This sign-in link was used already.').waitFor();
  await state(page, 'sign-in-ticket-used-signed-in');
  await press(page, 'Stay signed in');
  await heading(page, 'Security');
  assert.match(await page.locator('#top').innerText(), /lia@example\.com/);

  // It expires while the page asks.
  await page.goto(`/sign-in#ticket=${await server.ticket(other.id)}`);
  await heading(page, 'You are signed in already');
  await server.advance(601);
  await press(page, 'Sign out and use the link');
  await heading(page, 'This link does not work');
  await press(page, 'Stay signed in');
  await heading(page, 'Security');

  // A link of the same user goes on.
  await page.goto(`/sign-in?redirect_url=/account/add-phone#ticket=${await server.ticket(lia.id)}`);
  await heading(page, 'Add a phone number');
  await page.done();
});

test('back and reload in the middle lose nothing', async () => {
  await server.userNamed('karl', { totp_secret: secret });
  const page = await visit(browser, server);
  await password(page, 'karl');
  await heading(page, 'Check your authenticator app');
  await page.reload();
  await heading(page, 'Check your authenticator app');
  await page.goBack();
  await heading(page, 'Sign in');
  await page.goForward();
  await heading(page, 'Check your authenticator app');
  await press(page, 'Sign in as someone else');
  await heading(page, 'Sign in');
  await page.done();
});

test('two clicks make one request', async () => {
  await server.userNamed('lena');
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await page.getByLabel('Email, phone').fill('lena@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  let requests = 0;
  page.on('request', (r) => { if (r.method() === 'POST' && r.url().endsWith('/sign_ins')) requests++; });
  await page.getByRole('button', { name: 'Continue' }).dblclick();
  await heading(page, 'Security');
  assert.equal(requests, 1);
  await page.done();
});

test('where a sign-in leads: our own pages only', async () => {
  const mona = await server.userNamed('mona');
  for (const [asked, want] of [['https://evil.example/', '/account/security'], ['//evil.example/', '/account/security'], ['javascript:alert(1)', '/account/security'], ['/account/backup-codes', '/account/backup-codes']]) {
    const page = await visit(browser, server);
    await signInByTicket(page, server, mona, encodeURIComponent(asked));
    await page.waitForURL(`${server.url}${want}`);
    await page.done();
  }
});

test('a browser without JavaScript gets a message', async () => {
  const page = await visit(browser, server, { javaScriptEnabled: false });
  await page.goto('/sign-in');
  assert.ok(await page.locator('noscript .notice').isVisible());
  assert.match(await page.locator('noscript .notice').innerText(), /This page needs JavaScript/);
  assert.ok(!(await page.locator('.waiting').isVisible()), 'no second message');
  await page.done();
});

test('languages, and text from right to left', async () => {
  const page = await visit(browser, server, { locale: 'de-AT' });
  await page.goto('/sign-in?redirect_url=%2Faccount%2Fsecurity');
  await heading(page, 'Anmelden');
  assert.equal(await page.locator('html').getAttribute('lang'), 'de');
  await press(page, 'Español');
  await heading(page, 'Iniciar sesión');
  await page.reload();
  await heading(page, 'Iniciar sesión');
  await page.goto('/sign-in?lang=ja');
  await heading(page, 'サインイン');
  await state(page, 'sign-in-japanese');
  await page.goto('/sign-in?lang=en');
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  await state(page, 'sign-in-right-to-left');
  await page.done();
});
