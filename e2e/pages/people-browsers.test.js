// Browsers as people have them: two tabs, old tabs, bookmarks, password managers, no cookies, no storage, a wrong clock.

import assert from 'node:assert/strict';
import { accessible, begin, browser, heading, press, server, signInByTicket, state, test, visit } from './world.js';

begin();

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

async function fill(page, name, password = 'correct horse') {
  await page.getByLabel('Email, phone').fill(`${name}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill(password);
}

/** A second tab of the same browser. */
async function tabOf(page, at) {
  const other = await page.context().newPage();
  await other.goto(at);
  return other;
}

test('two tabs at the sign-in: the second goes on as the same user, and asks before it is another', async () => {
  await server.userNamed('anna');
  await server.userNamed('ben');
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  const [same, other] = [await tabOf(page, '/sign-in'), await tabOf(page, '/sign-in')];
  await fill(page, 'anna');
  await page.keyboard.press('Enter');
  await heading(page, 'Security');
  await fill(same, 'anna');
  await same.keyboard.press('Enter');
  await heading(same, 'Security');
  await fill(other, 'ben');
  await other.keyboard.press('Enter');
  await heading(other, 'You are signed in already');
  await other.getByText('signed in as anna@example.com now, from another tab').waitFor();
  await state(other, 'sign-in-another-tab');
  await press(other, 'Sign out');
  await heading(other, 'Sign in');
  assert.equal(await other.getByLabel('Email, phone').inputValue(), 'ben@example.com', 'what was typed stays');
  await page.done();
});

test('two tabs at the second step: the one that is late goes on, or says what happened', async () => {
  await server.userNamed('cleo', { totp_secret: secret });
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await fill(page, 'cleo');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your authenticator app');
  const late = await tabOf(page, '/sign-in');
  await heading(late, 'Check your authenticator app');
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Security');
  await late.getByLabel('Six-digit code').fill('123456');
  await heading(late, 'Security');

  // Another sign-in that began meanwhile ends this one.
  await late.close();
  await server.advance(31);
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(page, 'Sign in');
  await fill(page, 'cleo');
  await page.keyboard.press('Enter');
  await heading(page, 'Check your authenticator app');
  const newer = await tabOf(page, '/sign-in');
  await heading(newer, 'Check your authenticator app');
  await newer.getByRole('button', { name: 'Sign in as someone else' }).click();
  await fill(newer, 'cleo');
  await newer.keyboard.press('Enter');
  await heading(newer, 'Check your authenticator app');
  await page.getByLabel('Six-digit code').fill('123456');
  await page.getByText('This sign-in has ended. It took too long, or another one was started').waitFor();
  await page.done();
});

test('an account page in an old tab never acts for the user who signed in meanwhile', async () => {
  const dan = await server.userNamed('dan', { totp_secret: secret });
  const eve = await server.userNamed('eve', { totp_secret: secret });
  const page = await visit(browser, server);
  await signInByTicket(page, server, dan);
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Security');
  const other = await tabOf(page, '/account/security');
  await other.getByRole('button', { name: 'Sign out' }).first().click();
  await heading(other, 'Sign in');
  await other.goto('about:blank');
  await signInByTicket(other, server, eve);
  await other.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(other, 'Security');

  await page.bringToFront();
  await page.getByRole('button', { name: /^Remove/ }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: /^(Remove|Turn off)/ }).click();
  await page.waitForFunction(() => document.querySelector('#top')?.innerText.includes('eve@example.com'));
  assert.ok((await server.user(eve.id)).totp_enabled, 'eve keeps her app');
  assert.ok((await server.user(dan.id)).totp_enabled, 'dan is signed out, so nothing was removed');
  await page.done();
});

test('an account page in a tab that was signed out elsewhere leads to the sign-in and back', async () => {
  const fay = await server.userNamed('fay', { totp_secret: secret, backup_codes: ['abcde-12345'] });
  const page = await visit(browser, server);
  await signInByTicket(page, server, fay, '/account/backup-codes');
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Backup codes');
  for (const s of await server.sessions(fay.id)) await server.backend('POST', `/v1/sessions/${s.id}/revoke`);
  await page.getByRole('button', { name: 'Replace backup codes' }).click();
  await heading(page, 'Sign in');
  await fill(page, 'fay');
  await page.keyboard.press('Enter');
  await server.advance(31);
  await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await heading(page, 'Backup codes');
  await page.done();
});

test('bookmarks: every page leads somewhere, signed in or not', async () => {
  const user = await server.userNamed('gil');
  const page = await visit(browser, server);
  for (const at of ['/account/security', '/account/add-phone', '/account/add-phone#idn_gone', '/account/add-authenticator', '/account/backup-codes', '/tasks/setup-mfa', '/tasks/setup-mfa?redirect_url=%2Faccount%2Fbackup-codes']) {
    await page.goto('about:blank');
    await page.goto(at);
    await heading(page, 'Sign in');
  }
  await signInByTicket(page, server, user);
  await heading(page, 'Security');
  for (const [at, title] of [
    ['/sign-in', 'Security'], ['/sign-in?redirect_url=%2Faccount%2Fadd-phone', 'Add a phone number'], ['/sign-in?redirect_url=https%3A%2F%2Fevil.example', 'Security'], ['/sign-in#ticket=', 'Security'],
    ['/tasks/setup-mfa', 'Security'], ['/account/add-phone#idn_gone', 'Add a phone number'], ['/account/add-phone#%E0%A4%A', 'Add a phone number'], ['/account/backup-codes', 'Backup codes'], ['/account/no-such-page', 'Page not found'],
  ]) {
    await page.goto('about:blank');
    await page.goto(at);
    await heading(page, title);
  }
  await page.done();
});

test('a password manager finds the fields, fills them without typing, and the password alone is sent once', async () => {
  await server.userNamed('hal', { totp_secret: secret });
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
  const fields = await page.locator('form input').evaluateAll((list) => list.map((i) => [i.name, i.autocomplete, i.type, i.required]));
  assert.deepEqual(fields, [['username', 'username', 'text', true], ['password', 'current-password', 'password', true]]);
  assert.equal(await page.locator('form').getAttribute('method'), 'post', 'a form that is sent by accident puts no password into the address');
  // Some managers set the values and press the button, without an event.
  await page.evaluate(() => {
    document.querySelector('[name=username]').value = 'hal@example.com ';
    document.querySelector('[name=password]').value = 'correct horse';
    document.querySelector('form').requestSubmit();
  });
  await heading(page, 'Check your authenticator app');
  const code = await page.locator('form input').evaluateAll((list) => list.map((i) => [i.name, i.autocomplete, i.inputMode, i.required]));
  assert.deepEqual(code, [['otp', 'one-time-code', 'numeric', true]]);
  // A manager that keeps the codes fills the field and sends the form in one go.
  const attempts = [];
  page.on('request', (r) => { if (r.url().includes('attempt_second_factor')) attempts.push(r.url()); });
  const value = await server.totp(secret);
  await page.evaluate((text) => {
    const input = document.querySelector('[name=otp]');
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
    input.form.requestSubmit();
  }, value);
  await heading(page, 'Security');
  assert.equal(attempts.length, 1, 'one attempt');
  await page.done();
});

test('what is typed names the error: an email, a phone number or a username', async () => {
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  for (const [typed, words] of [['nobody@example.com', "That email or password isn’t right."], ['+1 (201) 555-0100', "That phone number or password isn’t right."], ['０３１２３４５６７', "That phone number or password isn’t right."], ['nobody', "That username or password isn’t right."]]) {
    await page.getByLabel('Email, phone').fill(typed);
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText(words).waitFor();
  }
  await page.done();
});

test('cookies switched off: the page says so, before and after a sign-in', async () => {
  await server.userNamed('ina');
  let page = await visit(browser, server);
  await (await page.context().newCDPSession(page)).send('Emulation.setDocumentCookieDisabled', { disabled: true });
  await page.goto('/sign-in');
  assert.equal(await page.evaluate(() => navigator.cookieEnabled), false, 'this browser has cookies off');
  await heading(page, 'Cookies are switched off');
  await accessible(page, 'cookies off');
  await page.goto('/account/security');
  await heading(page, 'Cookies are switched off');
  await page.done();

  // A browser or a proxy that only drops them: the sign-in succeeds, and the session is gone.
  page = await visit(browser, server);
  await page.route('**/v1/**', async (route) => {
    const answer = await route.fetch();
    const headers = answer.headers();
    delete headers['set-cookie'];
    await page.context().clearCookies();
    await route.fulfill({ response: answer, headers });
  });
  await page.goto('/sign-in');
  await fill(page, 'ina');
  await page.keyboard.press('Enter');
  await heading(page, 'Cookies are switched off');
  await state(page, 'sign-in-cookies-off');
  await page.done();
});

test('storage alone switched off: nothing changes', async () => {
  const user = await server.userNamed('jo');
  const page = await visit(browser, server);
  await page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) Object.defineProperty(globalThis, name, { get() { throw new DOMException('off', 'SecurityError'); } });
  });
  await page.goto('/sign-in');
  await fill(page, 'jo');
  await page.keyboard.press('Enter');
  await heading(page, 'Security');
  for (const at of ['/account/add-phone', '/account/add-authenticator', '/account/backup-codes']) {
    await page.goto(at);
    await page.locator('main h1').waitFor();
    await page.waitForFunction(() => !document.querySelector('.waiting'));
    assert.equal(await page.getByText('That did not work').count() + await page.getByText('Something went wrong').count(), 0, at);
  }
  assert.ok(user.id);
  await page.done();
});

test('a device whose clock is a day wrong signs in, enrols, and sees the right times', async () => {
  for (const [name, days] of [['kai', 1], ['lea', -1]]) {
    await server.userNamed(name, { totp_secret: secret });
    const page = await visit(browser, server);
    await page.clock.install({ time: Date.now() + days * 86_400_000 });
    await page.goto('/sign-in');
    await fill(page, name);
    await page.keyboard.press('Enter');
    await heading(page, 'Check your authenticator app');
    await page.getByLabel('Six-digit code').fill(await server.totp(secret));
    await heading(page, 'Security');
    await page.getByText(/Last active (now|\d+ seconds? ago)/).waitFor();
    await page.done();
  }
});

test('times are those of the visitor: how long ago, and the date as in the region', async () => {
  for (const [locale, words, date] of [['en-US', /^(now|\d+ seconds? ago)$/, /^[A-Z][a-z]+ \d+, \d{4}, /], ['en-GB', /^(now|\d+ seconds? ago)$/, /^\d+ [A-Z][a-z]+ \d{4}, /], ['de-AT', /^(jetzt|vor \d+ Sekunden?)$/, /^\d{1,2}\.\d{1,2}\.\d{4}, |^\d+\. /]]) {
    const user = await server.userNamed(`max${locale.slice(-2).toLowerCase()}`);
    const page = await visit(browser, server, { locale });
    await signInByTicket(page, server, user);
    const time = page.locator('main time').first();
    await time.waitFor();
    assert.match(await time.innerText(), words, locale);
    assert.match(await time.getAttribute('title'), date, locale);
    await page.done();
  }
});
