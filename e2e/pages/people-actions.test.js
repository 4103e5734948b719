// Every form and button that changes something, without a network and with a nervous finger.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { begin, browser, heading, key, server, sessionOf, signInByTicket, test, visit } from './world.js';

let receiver;
begin({
  prepare: async () => {
    receiver = createServer((request, response) => response.end()).listen(0, 'localhost');
    await once(receiver, 'listening');
  },
  finish: () => {
    receiver?.close();
  },
});

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const code = '424242'; // of every test number
let users = 0;
const number = (n) => `+1415555${String(n).padStart(4, '0')}`;
const reserved = (...numbers) => ({ phone_number: numbers, phone_number_identification_status: numbers.map(() => 'reserved') });
const named = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const inDialog = (page, name) => page.getByRole('dialog').getByRole('button', { name });
const toast = (text) => (page) => page.locator('.toast').getByText(text).waitFor();
const text = (words) => (page) => page.getByText(words).first().waitFor();
const titled = (words) => (page) => heading(page, words);
const otp = (value) => async (page) => page.getByLabel('Six-digit code').fill(await value(page));

/** A page of a new user who is signed in, after the code of their app if they have one. */
const account = (at, more = {}, title = 'Security') => async (page) => {
  const user = await server.userNamed(`u${++users}`, more);
  await signInByTicket(page, server, user, at);
  if (more.totp_secret) await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  else if (more.phone_number) {
    await text('Code sent.')(page);
    await page.getByLabel('Six-digit code').fill(code);
  }
  await heading(page, title);
  return user;
};

const dashboard = (at, title) => async (page) => {
  await page.goto('/dashboard');
  await heading(page, 'Open the dashboard');
  await page.getByLabel('Secret key').fill(key);
  await named(page, 'Continue').click();
  await heading(page, 'Multi-factor');
  if (at) await page.goto(typeof at === 'string' ? at : await at());
  await heading(page, title);
};

/** The dashboard's page of a new user with a session and factors. */
const dashUser = (more = {}) => async (page) => {
  const user = await server.userNamed(`u${++users}`, { totp_secret: secret, ...reserved(number(600 + users)), ...more });
  await dashboard(`/dashboard/users/${user.id}`, /^U\d/)(page);
  return user;
};

/** The page of events with one endpoint. */
const hooks = async (page) => {
  for (const { id } of (await server.backend('GET', '/v1/webhook_endpoints')).data) await server.backend('DELETE', `/v1/webhook_endpoints/${id}`);
  await server.backend('POST', '/v1/webhook_endpoints', { url: `http://localhost:${receiver.address().port}/hook` });
  await dashboard('/dashboard/events', 'Events')(page);
};

const password = async (page) => {
  await page.goto('/sign-in');
  await heading(page, 'Sign in');
};

/** Opens the page of the second step, by password. */
const secondStep = (more) => async (page) => {
  const name = `u${++users}`;
  await server.userNamed(name, more);
  await password(page);
  await page.getByLabel('Email, phone').fill(`${name}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await named(page, 'Continue').click();
};

/** Opens the step-up for the removal of the app, by a session that is eleven minutes old. */
const stepUp = async (page) => {
  await account('/account/security', { totp_secret: secret })(page);
  await server.age(await sessionOf(page), 11);
  await server.advance(31);
  await named(page, 'Remove: Authenticator app').click();
  await inDialog(page, 'Turn off').click();
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
};

/** A session that is to set up a second factor. */
const pending = async (page) => {
  await server.settings({ mfa_required: true });
  const user = await server.userNamed(`u${++users}`);
  await signInByTicket(page, server, user);
  await heading(page, 'Protect your account');
  await server.settings({ mfa_required: false });
};

const another = async (user) => {
  const page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await heading(page, 'Security');
  await page.done();
};

/** The page of a user with sessions on other devices. */
const devices = (count) => async (page) => {
  const user = await account('/account/security')(page);
  for (let n = 0; n < count; n++) await another(user);
  await page.reload();
  await heading(page, 'Security');
};

const reason = (page) => page.getByLabel(/^Reason/).fill('Called, and was checked');
const api = 'POST /dashboard/api/v1';

/**
 * The actions.
 *   open    opens the page
 *   ready   makes the button visible, when it is not
 *   type    fills the form. What it fills stays when there is no network
 *   button  returns the button
 *   sends   the requests that change something, with ids as :id
 *   then    waits for what is right afterwards
 */
const actions = [
  { what: 'sign-in by password', open: async (page) => { await server.userNamed('pass'); await password(page); }, type: async (page) => {
    await page.getByLabel('Email, phone').fill('pass@example.com');
    await page.getByLabel('Password', { exact: true }).fill('correct horse');
  }, button: (page) => named(page, 'Continue'), sends: ['POST /v1/client/sign_ins'], then: titled('Security') },
  { what: 'second step by app', open: async (page) => { await secondStep({ totp_secret: secret })(page); await heading(page, 'Check your authenticator app'); },
    type: otp(() => server.totp(secret)), button: (page) => named(page, 'Continue'), sends: ['POST /v1/client/sign_ins/:id/attempt_second_factor'], then: titled('Security') },
  { what: 'second step by text', open: async (page) => { await secondStep(reserved(number(100)))(page); await text('Code sent.')(page); },
    type: otp(() => code), button: (page) => named(page, 'Continue'), sends: ['POST /v1/client/sign_ins/:id/attempt_second_factor'], then: titled('Security') },
  { what: 'the text of another way', open: async (page) => { await secondStep({ ...reserved(number(101)), totp_secret: secret })(page); await heading(page, 'Check your authenticator app'); },
    button: (page) => named(page, /^(Text message to|Send code|Send a new code)/), sends: ['POST /v1/client/sign_ins/:id/prepare_second_factor'], then: text('Code sent.') },
  { what: 'a link in a browser of another user', open: async (page) => {
    await account('/account/security')(page);
    await signInByTicket(page, server, await server.userNamed(`u${++users}`));
    await heading(page, 'You are signed in already');
  }, button: (page) => named(page, /^(Sign out and use the link|Try again)$/), sends: ['POST /v1/client/sign_ins', 'DELETE /v1/client/sessions', 'POST /v1/client/sign_ins'], retry: async (page) => {
    await named(page, 'Try again').click();
    await heading(page, 'You are signed in already');
  }, then: titled('Security') },
  { what: 'sign-out', open: account('/account/security'), button: (page) => named(page, 'Sign out'), sends: ['DELETE /v1/client/sessions'], then: titled('Sign in') },

  { what: 'a number', open: account('/account/add-phone', {}, 'Add a phone number'), type: (page) => page.getByLabel('Phone number').fill('(415) 555-0110'), button: (page) => named(page, 'Send code'),
    sends: ['POST /v1/me/phone_numbers', 'POST /v1/me/phone_numbers/:id/prepare_verification'], then: text('Code sent.') },
  { what: 'the code of a number', open: async (page) => {
    await account('/account/add-phone', {}, 'Add a phone number')(page);
    await page.getByLabel('Phone number').fill('(415) 555-0111');
    await named(page, 'Send code').click();
    await text('Code sent.')(page);
  }, type: otp(() => code), button: (page) => named(page, 'Verify'), sends: ['POST /v1/me/phone_numbers/:id/attempt_verification'], then: titled('Save your backup codes') },
  { what: 'the code of an app', open: async (page) => {
    await account('/account/add-authenticator', {}, 'Add an authenticator app')(page);
    page.shown = (await page.locator('.copyable bdi').textContent()).replaceAll(' ', '');
    await named(page, 'I have added the key').click();
  }, type: otp((page) => server.totp(page.shown)), button: (page) => named(page, 'Verify'), sends: ['POST /v1/me/totp/attempt_verification'], then: titled('Save your backup codes') },
  { what: 'new backup codes', open: account('/account/backup-codes', { totp_secret: secret }, 'Backup codes'), button: (page) => named(page, /backup codes$/), sends: ['POST /v1/me/backup_codes'], then: titled('Save your backup codes') },
  { what: 'the last factor goes', open: account('/account/security', { totp_secret: secret }), ready: (page) => named(page, 'Remove: Authenticator app').click(), button: (page) => inDialog(page, 'Turn off'),
    sends: ['DELETE /v1/me/totp'], then: text('Two-step sign-in is off.') },
  { what: 'a number goes', open: account('/account/security', { totp_secret: secret, ...reserved(number(120)) }), ready: (page) => named(page, 'Remove: number ending in 0120').click(), button: (page) => inDialog(page, 'Remove'),
    sends: ['DELETE /v1/me/phone_numbers/:id'], then: toast('Number removed.') },
  { what: 'a number is used no longer', open: account('/account/security', { totp_secret: secret, ...reserved(number(121)) }), ready: (page) => named(page, 'Turn off: number ending in 0121').click(), button: (page) => inDialog(page, 'Turn off'),
    sends: ['PATCH /v1/me/phone_numbers/:id'], then: toast('The number receives no more codes.') },
  { what: 'a number is used', open: account('/account/security', { phone_number: [number(122)], totp_secret: secret, phone_number_identification_status: ['verified'] }), button: (page) => named(page, 'Use for sign-in: number ending in 0122'),
    sends: ['PATCH /v1/me/phone_numbers/:id'], then: titled('Save your backup codes') },
  { what: 'the default number', open: account('/account/security', { totp_secret: secret, ...reserved(number(123), number(124)) }), button: (page) => named(page, 'Make default: number ending in 0124'),
    sends: ['PATCH /v1/me/phone_numbers/:id'], then: toast('This number is now asked first.') },
  { what: 'step-up', open: stepUp, type: otp(() => server.totp(secret)), button: (page) => inDialog(page, 'Continue'), sends: ['POST /v1/client/sessions/:id/verify/attempt_second_factor', 'DELETE /v1/me/totp'], then: text('Two-step sign-in is off.') },
  { what: 'another session ends', open: devices(2), button: (page) => named(page, /^Sign out: /).first(), sends: ['POST /v1/me/sessions/:id/revoke'], then: toast('Signed out there.') },
  { what: 'all other sessions end', open: devices(2), ready: (page) => named(page, 'Sign out all others').click(), button: (page) => inDialog(page, 'Sign out'), sends: ['POST /v1/me/sessions/revoke_others'], then: toast('Signed out there.') },
  { what: '"this was not me"', open: devices(1), ready: (page) => named(page, /^This wasn’t me/).first().click(), button: (page) => inDialog(page, 'Secure my account'), sends: ['POST /v1/me/sessions/revoke_others'], then: text('All other devices were signed out.') },

  { what: 'the task: an app', open: pending, button: (page) => named(page, /^Authenticator app/), sends: ['POST /v1/me/totp'], then: titled('Add an authenticator app') },
  { what: 'the task: signed out', open: pending, button: (page) => named(page, 'Sign out'), sends: ['POST /v1/client/sessions/:id/end'], then: titled('Sign in') },

  { what: 'the dashboard is opened', open: async (page) => { await page.goto('/dashboard/sign-in'); await heading(page, 'Open the dashboard'); }, type: (page) => page.getByLabel('Secret key').fill(key), button: (page) => named(page, 'Continue'),
    sends: ['POST /dashboard/api/session'], then: titled('Multi-factor') },
  { what: 'the dashboard is left', open: dashboard('', 'Multi-factor'), button: (page) => named(page, 'Sign out'), sends: ['DELETE /dashboard/api/session'], then: titled('Open the dashboard') },
  { what: 'settings', open: dashboard('', 'Multi-factor'), type: (page) => page.getByLabel('Page for forgotten passwords').fill(`https://example.com/${++users}`), button: (page) => named(page, 'Save'), sends: ['PATCH /dashboard/api/v1/instance'], then: toast('Saved.') },
  { what: 'money', open: dashboard('/dashboard/messages', 'Text messages'), type: (page) => page.getByRole('textbox', { name: 'Daily limit (US$)', exact: true }).fill(`${100 + ++users}`), button: (page) => named(page, 'Save'), sends: ['PATCH /dashboard/api/v1/instance'], then: toast('Saved.') },
  { what: 'appearance', open: dashboard('/dashboard/appearance', 'Appearance'), type: (page) => page.getByLabel('Name', { exact: true }).fill(`Name ${++users}`), button: (page) => named(page, 'Save'), sends: ['PATCH /dashboard/api/v1/instance'], then: toast('Saved') },
  { what: 'lock', open: dashUser(), ready: (page) => named(page, 'Lock for an hour').click(), type: reason, button: (page) => inDialog(page, 'Lock for an hour'), sends: [`${api}/users/:id/lock`], then: toast('Locked for an hour.') },
  { what: 'unlock', open: async (page) => { const user = await dashUser()(page); await server.backend('POST', `/v1/users/${user.id}/lock`); await page.reload(); }, button: (page) => named(page, 'Unlock'), sends: [`${api}/users/:id/unlock`], then: toast('Unlocked.') },
  { what: 'ban', open: dashUser(), ready: (page) => named(page, 'Ban').click(), type: reason, button: (page) => inDialog(page, 'Ban'), sends: [`${api}/users/:id/ban`], then: toast('Banned.') },
  { what: 'the app of a user goes', open: dashUser(), ready: (page) => named(page, 'Remove: Authenticator app').click(), type: reason, button: (page) => inDialog(page, 'Remove'), sends: ['DELETE /dashboard/api/v1/users/:id/totp'], then: toast('Removed: Authenticator app.') },
  { what: 'reset', open: dashUser(), ready: (page) => named(page, 'Reset multi-factor').click(), type: reason, button: (page) => inDialog(page, 'Reset multi-factor'), sends: ['DELETE /dashboard/api/v1/users/:id/mfa'], then: toast('Every second factor was removed.') },
  { what: 'a session of a user ends', open: async (page) => { const user = await server.userNamed(`u${++users}`); await another(user); await another(user); await dashboard(`/dashboard/users/${user.id}`, /^U\d/)(page); }, button: (page) => named(page, /^End: /).first(),
    sends: [`${api}/sessions/:id/revoke`], then: toast('The session has ended.') },
  { what: 'an endpoint is added', open: async (page) => { await hooks(page); }, type: (page) => page.getByLabel('Address').fill(`http://localhost:${receiver.address().port}/more`), button: (page) => named(page, 'Add'), sends: [`${api}/webhook_endpoints`], then: (page) => inDialog(page, 'Done').click() },
  { what: 'an endpoint is tried', open: hooks, button: (page) => named(page, /^Send a test/), sends: [`${api}/webhook_endpoints/:id/test`], then: toast(/^A test is on its way|^The test/) },
  { what: 'an endpoint is switched off', open: hooks, button: (page) => named(page, /^Switch off/), sends: ['PATCH /dashboard/api/v1/webhook_endpoints/:id'], then: toast('Saved.') },
  { what: 'a day is sent again', open: hooks, button: (page) => named(page, /^Resend last 24 hours/), sends: [`${api}/webhook_endpoints/:id/replay`], then: toast('Events being resent') },
  { what: 'a new signing secret', open: hooks, ready: (page) => named(page, /secret/i).click(), button: (page) => inDialog(page, /^Yes/), sends: [`${api}/webhook_endpoints/:id/rotate_secret`], then: (page) => inDialog(page, 'Done').click() },
  { what: 'an endpoint goes', open: hooks, ready: (page) => named(page, /^Remove/).click(), button: (page) => inDialog(page, /^Yes/), sends: ['DELETE /dashboard/api/v1/webhook_endpoints/:id'], then: text('None yet.') },
];

/** Clicks twice at once, and a third time when the answer is there, as a double click on a quick line does. */
async function nervous(page, button) {
  await button.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await button.boundingBox();
  const answered = page.waitForResponse((r) => r.request().method() !== 'GET');
  await page.mouse.click(x + width / 2, y + height / 2, { clickCount: 2 });
  await answered;
  await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(drawn)); })).catch(() => {}); // the page may be leaving
  await page.mouse.down({ clickCount: 3 });
  await page.mouse.up({ clickCount: 3 });
}

const values = (page) => page.locator('input:not([type=checkbox], [type=color], [hidden]), select').evaluateAll((list) => list.map((e) => e.value));

/** The requests of a page that change something, with ids as :id. */
function changesOf(page) {
  const sent = [];
  page.on('request', (r) => {
    const { pathname } = new URL(r.url());
    if (r.method() !== 'GET' && /^\/(v1|dashboard\/api)\//.test(pathname)) sent.push(`${r.method()} ${pathname.replace(/\/[a-z]+_[a-zA-Z0-9]{20,}/g, '/:id')}`);
  });
  return sent;
}

for (const { what, open, ready = () => {}, type = () => {}, button, sends, retry, then } of actions) {
  test(`${what}: no network is said and keeps what was typed; a triple click is one`, async () => {
    const page = await visit(browser, server);
    page.on('dialog', (d) => d.accept());
    await open(page);
    const begin = async () => {
      if (!(await button(page).isVisible())) await ready(page);
    };
    await begin();
    await page.context().setOffline(true);
    await type(page);
    const typed = await values(page);
    await button(page).click();
    await page.getByText('No connection.').first().waitFor();
    const close = inDialog(page, 'Close');
    if (await close.isVisible()) await close.click();
    if (await button(page).isVisible()) assert.deepEqual(await values(page), typed, 'what was typed stays');
    await page.context().setOffline(false);

    if (retry) await retry(page);
    const kept = await button(page).isVisible();
    await begin();
    if (!kept) await type(page);
    const sent = changesOf(page);
    await nervous(page, button(page));
    await then(page).catch(async (error) => { throw new Error(`${await page.locator('body').innerText()}\n${sent}`, { cause: error }); });
    assert.deepEqual(sent, sends);
    assert.equal(await page.getByText('That did not work').count() + await page.locator('.notice.bad').count(), 0, 'no error');
    page.allowErrors();
    await page.done();
  });
}
