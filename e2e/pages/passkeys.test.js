// Passkeys on the pages: enrolment, names, sign-in, step-up, and what browsers and authenticators refuse.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { authenticator } from './authenticator.js';
import { begin, browser, closed, fits, heading, openDashboard, press, server, sessionOf, signInByTicket, state, test, visit } from './world.js';

begin({ prepare: () => server.settings({ passkeys: true, passkey_second_factor: true }) });

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const passkeysOf = async (user) => (await server.user(user.id)).passkeys;

/** Runs in the page before its scripts: the browser offers no passkey in its autofill, where the authenticator would answer at once. */
const noAutofill = () => { window.PublicKeyCredential.isConditionalMediationAvailable = async () => false; };

/** The security page of a user who just signed in, in a browser with an authenticator. */
async function security(user, { device, options, script = noAutofill, factor } = {}) {
  const page = await visit(browser, server, options);
  if (script) await page.addInitScript(script);
  const key = await authenticator(page, device);
  await signInByTicket(page, server, user);
  if (factor) await page.locator('input.code').fill(await server.totp(factor));
  return { page, key };
}

const add = (page) => press(page, 'Add: Passkeys and security keys');

/** Adds a passkey with its first name. */
async function enrol(page) {
  await heading(page, 'Security');
  await add(page);
  await page.getByRole('heading', { name: 'Your passkey is ready' }).waitFor();
  await page.keyboard.press('Enter');
  await closed(page);
}

/** Opens the sign-in in the same browser, signed out. */
async function signedOut(page) {
  await page.context().clearCookies();
  await page.goto('/sign-in?redirect_url=/account/security');
  await heading(page, 'Sign in');
}

async function byPassword(page, name) {
  await page.getByLabel('Email, phone').fill(`${name}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
}

test('a person adds a passkey, names it, renames it and removes it', async () => {
  const user = await server.userNamed('pia');
  const { page, key } = await security(user);
  await heading(page, 'Security');
  await state(page, 'passkeys-none');
  await key.confirms(false);
  await add(page);
  await page.getByText('Follow the steps that your browser shows.').waitFor();
  await state(page, 'passkey-add');
  await press(page, 'Cancel');
  await closed(page);
  assert.deepEqual(await passkeysOf(user), []);
  await key.confirms(true);
  await add(page);
  await page.getByRole('heading', { name: 'Your passkey is ready' }).waitFor();
  await state(page, 'passkey-name');
  await fits(page, 'passkey-name');
  assert.match(await page.getByRole('textbox', { name: 'Name' }).inputValue(), /^HeadlessChrome on Linux|Chrome on Linux$/);
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('Laptop at home');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('Passkey added.').waitFor();
  const row = page.getByRole('listitem').filter({ hasText: 'Laptop at home' });
  await row.getByText(/^Added/).waitFor();
  await row.getByText('Not used yet').waitFor();
  await state(page, 'passkeys');
  await fits(page, 'passkeys');

  await press(page, 'Rename: Laptop at home');
  await state(page, 'passkey-rename');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('\u202eGnp.exe');
  await page.keyboard.press('Enter');
  await page.getByText('This name has characters that cannot be shown.').waitFor();
  await state(page, 'passkey-rename-wrong');
  await page.getByRole('textbox', { name: 'Name' }).fill(' ');
  await page.keyboard.press('Enter');
  await page.getByText('Please fill this in.').waitFor();
  await page.keyboard.type('Old laptop');
  await page.keyboard.press('Enter');
  await closed(page);
  await page.getByText('Name saved').waitFor();
  assert.deepEqual((await passkeysOf(user)).map((p) => p.name), ['Old laptop']);

  await press(page, 'Remove: Old laptop');
  await page.getByRole('heading', { name: 'Remove the passkey “Old laptop”?' }).waitFor();
  await state(page, 'passkey-remove');
  await press(page, 'Cancel');
  assert.equal((await passkeysOf(user)).length, 1);
  await press(page, 'Remove: Old laptop');
  await press(page, 'Remove');
  await page.getByText('Passkey removed.').waitFor();
  assert.deepEqual(await passkeysOf(user), []);
  await page.done();
});

test('a person signs in with a passkey alone; cancelling loses nothing', async () => {
  const user = await server.userNamed('paul');
  const { page, key } = await security(user);
  await enrol(page);
  await key.verifies(false);
  await signedOut(page);
  assert.equal(await page.getByLabel('Email, phone').getAttribute('autocomplete'), 'username webauthn');
  await page.getByLabel('Email, phone').fill('paul@example.com');
  await state(page, 'sign-in-passkey');
  await fits(page, 'sign-in-passkey');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).press('Enter');
  await page.getByText('No passkey was used').waitFor();
  await state(page, 'sign-in-passkey-cancelled');
  assert.equal(await page.getByLabel('Email, phone').inputValue(), 'paul@example.com');
  await key.verifies(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).press('Enter');
  await heading(page, 'Security');
  await page.getByText('Last used').waitFor();
  await page.done();
});

test('the browser offers a passkey in its autofill; a password ends that offer', async () => {
  const user = await server.userNamed('pepe');
  const { page, key } = await security(user, { script: null });
  await enrol(page);
  await page.context().clearCookies();
  await page.goto('/sign-in?redirect_url=/account/security');
  await heading(page, 'Security'); // the virtual authenticator takes the offer at once
  await key.confirms(false);
  await signedOut(page);
  await byPassword(page, 'pepe');
  await heading(page, 'Security');
  await key.forget();
  await key.confirms(true);
  await signedOut(page); // no passkey in this browser: the form stays, and says nothing
  await byPassword(page, 'pepe');
  await heading(page, 'Security');
  await page.done();
});

test('a passkey that proves both factors ends the sign-in', async () => {
  const user = await server.userNamed('olga', { totp_secret: secret });
  const { page } = await security(user, { factor: secret });
  await enrol(page);
  await signedOut(page);
  await press(page, 'Sign in with a passkey');
  await heading(page, 'Check your authenticator app');
  await server.settings({ passkey_satisfies_second_factor: true });
  await signedOut(page);
  await press(page, 'Sign in with a passkey');
  await heading(page, 'Security');
  await server.settings({ passkey_satisfies_second_factor: false });
  await page.done();
});

test('a passkey as second factor comes first; after a refusal the other ways are there', async () => {
  const user = await server.userNamed('rita', { totp_secret: secret });
  const { page, key } = await security(user, { factor: secret });
  await enrol(page);
  await key.verifies(false);
  await signedOut(page);
  await byPassword(page, 'rita');
  await heading(page, 'Use your passkey');
  await state(page, 'second-factor-passkey');
  await fits(page, 'second-factor-passkey');
  await page.keyboard.press('Enter');
  await page.getByText('No passkey was used').waitFor();
  await state(page, 'second-factor-passkey-cancelled');
  await press(page, 'Authenticator app');
  await heading(page, 'Check your authenticator app');
  await page.reload();
  await heading(page, 'Use your passkey');
  await key.verifies(true);
  await page.keyboard.press('Enter');
  await heading(page, 'Security');
  await page.done();
});

test('a step-up with a passkey: of a second factor, and of a first one', async () => {
  for (const [name, more] of [['sven', { totp_secret: secret }], ['sina', {}]]) {
    const user = await server.userNamed(name, more);
    const { page, key } = await security(user, { factor: more.totp_secret });
    await enrol(page);
    await server.age(await sessionOf(page), 15);
    await key.verifies(false);
    await press(page, 'Remove: Chrome on Linux');
    await press(page, 'Remove');
    await page.getByRole('heading', { name: 'Use your passkey' }).waitFor();
    if (more.totp_secret) await state(page, 'reverify-passkey');
    await page.getByRole('button', { name: 'Continue with passkey' }).press('Enter');
    await page.getByRole('dialog').getByText('No passkey was used').waitFor();
    if (more.totp_secret) await state(page, 'reverify-passkey-cancelled');
    await page.getByRole('button', { name: more.totp_secret ? 'Authenticator app' : 'Password', exact: true }).waitFor();
    await key.verifies(true);
    await page.getByRole('button', { name: 'Continue with passkey' }).press('Enter');
    await page.getByText('Passkey removed.').waitFor();
    assert.deepEqual(await passkeysOf(user), []);
    await page.done();
  }
});

test('an authenticator that has a passkey of the account makes no second one; ten are the most', async () => {
  const user = await server.userNamed('zoe');
  const { page, key } = await security(user);
  await enrol(page);
  await add(page);
  await page.getByText('has a passkey for your account already').waitFor();
  await state(page, 'passkey-add-exists');
  await press(page, 'Close');
  await closed(page);
  for (let n = 2; n <= 10; n++) {
    await key.forget();
    await enrol(page);
    await page.getByText(`Chrome on Linux ${n}`, { exact: true }).first().waitFor();
  }
  await page.getByText('You have ten passkeys').waitFor();
  await state(page, 'passkeys-ten');
  assert.equal(await page.getByRole('button', { name: 'Add: Passkeys and security keys' }).count(), 0);
  assert.equal((await passkeysOf(user)).length, 10);
  await page.done();
});

test('an authenticator that verifies no user, or vanishes, adds nothing to the list', async () => {
  const user = await server.userNamed('vera');
  const { page, key } = await security(user, { device: { transport: 'usb', hasUserVerification: false, isUserVerified: false } });
  await heading(page, 'Security');
  await add(page);
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await state(page, 'passkey-add-refused');
  await fits(page, 'passkey-add-refused');
  assert.deepEqual(await passkeysOf(user), []);
  await key.replace({ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: false });
  await press(page, 'Try again');
  await page.getByText('Follow the steps that your browser shows.').waitFor();
  await page.keyboard.press('Escape');
  await closed(page);
  await add(page);
  await page.getByText('Follow the steps that your browser shows.').waitFor();
  await page.reload(); // half way
  await heading(page, 'Security');
  assert.equal(await page.getByRole('button', { name: /^Remove/ }).count(), 0);
  assert.deepEqual(await passkeysOf(user), []);
  await key.replace({ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true });
  await enrol(page);
  assert.equal((await passkeysOf(user)).length, 1);
  await page.done();
});

test('each refusal of a browser has words', async () => {
  const page = await visit(browser, server);
  await page.addInitScript(() => {
    navigator.credentials.create = async () => { throw new DOMException('', new URLSearchParams(location.search).get('error')); };
  });
  await signInByTicket(page, server, await server.userNamed('wanda'));
  await heading(page, 'Security');
  for (const [error, text] of Object.entries({
    NotAllowedError: 'No passkey was added.', SecurityError: 'Passkeys do not work at the address of this page.', InvalidStateError: 'has a passkey for your account already',
    ConstraintError: 'cannot check that it is you', NotSupportedError: 'reported a problem', UnknownError: 'reported a problem',
  })) {
    await page.goto(`/account/security?error=${error}`);
    await heading(page, 'Security');
    await add(page);
    await page.getByRole('dialog').getByText(text).waitFor();
  }
  await page.done();
});

test('a browser without Web Authentication offers no passkey, and says so', async () => {
  const user = await server.userNamed('noel', { totp_secret: secret });
  const { page } = await security(user, { factor: secret });
  await enrol(page);
  const other = await visit(browser, server);
  await other.addInitScript(() => { delete window.PublicKeyCredential; });
  await other.goto('/sign-in?redirect_url=/account/security');
  await heading(other, 'Sign in');
  assert.equal(await other.getByText('Sign in with a passkey').count(), 0);
  await byPassword(other, 'noel');
  await heading(other, 'Check your authenticator app');
  assert.equal(await other.getByText('Passkey or security key').count(), 0);
  await server.settings({ authenticator_app: false });
  await other.reload();
  await heading(other, 'No way to continue');
  await other.getByText('This browser cannot use passkeys.').waitFor();
  await state(other, 'second-factor-no-webauthn');
  await server.settings({ authenticator_app: true });
  await other.reload();
  await server.advance(31);
  await other.locator('input.code').fill(await server.totp(secret));
  await heading(other, 'Security');
  await other.getByText('This browser cannot use passkeys.').waitFor();
  await state(other, 'passkeys-unsupported');
  assert.equal(await other.getByRole('button', { name: 'Add: Passkeys and security keys' }).count(), 0);
  await other.getByRole('button', { name: 'Rename: Chrome on Linux' }).waitFor();
  for (const p of [page, other]) await p.done();
});

test('the passkey of another user, and a removed one, open nothing', async () => {
  const [kim, lars] = [await server.userNamed('kim', { totp_secret: secret }), await server.userNamed('lars', { totp_secret: secret })];
  const { page, key } = await security(kim, { factor: secret });
  await enrol(page);
  const kept = (await key.credentials())[0];
  await key.forget();
  await page.context().clearCookies();
  await signInByTicket(page, server, lars);
  await page.locator('input.code').fill(await server.totp(secret));
  await enrol(page);
  await key.forget();
  await key.put(kept);
  await signedOut(page);
  await byPassword(page, 'lars');
  await heading(page, 'Use your passkey');
  await page.keyboard.press('Enter');
  await page.getByText('No passkey was used').waitFor();
  await server.backend('DELETE', `/v1/users/${kim.id}/passkeys/${(await passkeysOf(kim))[0].id}`);
  await press(page, 'Sign in as someone else');
  await heading(page, 'Sign in');
  await press(page, 'Sign in with a passkey');
  await page.getByText('This passkey is not known here').waitFor();
  await state(page, 'sign-in-passkey-unknown');
  await page.done();
});

test('a passkey whose counter went back is shown as blocked', async () => {
  const user = await server.userNamed('cora');
  const { page, key } = await security(user);
  await enrol(page);
  const copy = { ...(await key.credentials())[0], signCount: 0 };
  for (let n = 0; n < 2; n++) {
    await signedOut(page);
    await press(page, 'Sign in with a passkey');
    await heading(page, 'Security');
  }
  await key.forget();
  await key.put(copy);
  await signedOut(page);
  await press(page, 'Sign in with a passkey');
  await page.getByText('The passkey could not be verified.').waitFor();
  await byPassword(page, 'cora');
  await heading(page, 'Security');
  await page.getByText('There may be a copy of it. Remove it').waitFor();
  await page.getByText('Passkey blocked: there may be a copy of it').waitFor();
  await state(page, 'passkey-blocked');
  await page.done();
});

test('a clock in another century changes nothing', async () => {
  const user = await server.userNamed('clio');
  const page = await visit(browser, server);
  await page.addInitScript(noAutofill);
  await page.clock.setFixedTime(new Date('1912-06-23T12:00:00Z'));
  await authenticator(page);
  await signInByTicket(page, server, user);
  await enrol(page);
  await signedOut(page);
  await press(page, 'Sign in with a passkey');
  await heading(page, 'Security');
  assert.doesNotMatch(await page.locator('main').innerText(), /1912/);
  await page.done();
});

test('passkeys of another domain are refused in words', async () => {
  await server.settings({ passkey_rp_id: 'example.com' });
  const { page } = await security(await server.userNamed('dirk'));
  await heading(page, 'Security');
  await add(page);
  await page.getByText('This page was opened at an address that is not its own.').waitFor();
  await press(page, 'Close');
  await signedOut(page);
  await press(page, 'Sign in with a passkey');
  await page.getByText('This page was opened at an address that is not its own.').waitFor();
  await byPassword(page, 'dirk');
  await heading(page, 'Security');
  await server.settings({ passkey_rp_id: '' });
  await page.done();
});

test('passkeys that are off stay listed, and can be removed', async () => {
  const user = await server.userNamed('otto');
  const { page } = await security(user);
  await enrol(page);
  await server.settings({ passkeys: false });
  await page.reload();
  await page.getByText('Passkeys are switched off here').waitFor();
  await press(page, 'Remove: Chrome on Linux');
  await press(page, 'Remove');
  await page.getByText('Passkey removed.').waitFor();
  assert.equal(await page.getByText('Passkeys and security keys').count(), 0);
  await server.settings({ passkeys: true });
  await page.done();
});

test('after a sign-in with a text message a passkey is offered, once in 30 days', async () => {
  const number = '+14155550188';
  const user = await server.userNamed('tess', { phone_number: [number], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await page.addInitScript(noAutofill);
  await authenticator(page);
  const signIn = async () => {
    await signedOut(page);
    await byPassword(page, 'tess');
    await heading(page, 'Check your messages');
    await page.getByText('Code sent.').waitFor();
    await page.locator('input.code').fill('424242');
  };
  await signIn();
  await heading(page, 'Sign in with a passkey next time?');
  await state(page, 'passkey-offer');
  await fits(page, 'passkey-offer');
  await press(page, 'Not now');
  await heading(page, 'Security');
  await server.advance(60);
  await signIn();
  await heading(page, 'Security');
  await server.advance(31 * 86_400);
  await signIn();
  await heading(page, 'Sign in with a passkey next time?');
  await press(page, 'Add a passkey');
  await page.getByRole('heading', { name: 'Your passkey is ready' }).waitFor();
  await press(page, 'Skip');
  await heading(page, 'Security');
  assert.equal((await passkeysOf(user)).length, 1);
  await server.advance(31 * 86_400);
  await signedOut(page);
  await byPassword(page, 'tess');
  await heading(page, 'Use your passkey');
  await press(page, 'Text message');
  await page.getByText('Code sent.').waitFor();
  await page.locator('input.code').fill('424242');
  await heading(page, 'Security'); // has a passkey already
  await page.done();
});

test('the dashboard has the settings of passkeys, and asks before their domain changes', async () => {
  const owner = await security(await server.userNamed('ulla'));
  await enrol(owner.page);
  await owner.page.done();
  const page = await openDashboard();
  await page.getByText('Where passkeys work').waitFor();
  await page.getByLabel('A passkey is enough').press('Space');
  await page.getByLabel('Domain of passkeys').fill('https://example.com');
  await page.getByRole('button', { name: 'Save' }).press('Enter');
  await page.getByRole('heading', { name: 'Change the domain of passkeys?' }).waitFor();
  await state(page, 'dashboard-passkey-domain');
  await press(page, 'Cancel');
  await closed(page);
  assert.equal((await server.backend('GET', '/v1/instance')).passkey_rp_id, null);
  const save = async () => {
    await page.getByRole('button', { name: 'Save' }).press('Enter');
    await page.getByRole('button', { name: 'Change the domain' }).press('Enter');
    await closed(page);
  };
  await save();
  await page.getByText('Enter a domain without https://').waitFor();
  await state(page, 'dashboard-passkeys-wrong');
  await fits(page, 'dashboard-passkeys-wrong');
  await page.getByLabel('Domain of passkeys').fill('Example.com');
  await page.getByLabel('iOS apps').fill('ABCDE12345.com.example.app\ncom.example.app\n');
  await save();
  await page.getByText('A line is not a team ID').waitFor();
  await page.getByLabel('iOS apps').fill(' ABCDE12345.com.example.app \n\n');
  await page.getByLabel('Android apps').fill('com.example.app/14:6D');
  await save();
  await page.getByText('A line is not a package').waitFor();
  const android = `com.example.app/${Array(32).fill('1A').join(':')}`;
  await page.getByLabel('Android apps').fill(android);
  await save();
  await page.getByText('Saved.').waitFor();
  const { passkey_rp_id, passkey_apple_apps, passkey_android_apps, passkey_satisfies_second_factor } = await server.backend('GET', '/v1/instance');
  assert.deepEqual({ passkey_rp_id, passkey_apple_apps, passkey_android_apps, passkey_satisfies_second_factor },
    { passkey_rp_id: 'example.com', passkey_apple_apps: ['ABCDE12345.com.example.app'], passkey_android_apps: [android], passkey_satisfies_second_factor: true });
  await server.settings({ passkey_rp_id: '', passkey_apple_apps: [], passkey_android_apps: [], passkey_satisfies_second_factor: false });
  await page.done();
});

test('the dashboard lists the passkeys of a user, and removes them', async () => {
  const user = await server.userNamed('ugo');
  const { page } = await security(user);
  await enrol(page);
  const operator = await openDashboard();
  await operator.goto(`/dashboard/users/${user.id}`);
  await operator.getByText('Chrome on Linux', { exact: true }).first().waitFor();
  await state(operator, 'dashboard-user-passkey');
  await fits(operator, 'dashboard-user-passkey');
  await press(operator, 'Remove: Chrome on Linux');
  await operator.getByText('can no longer sign in with this passkey').waitFor();
  await state(operator, 'dashboard-remove-passkey');
  await press(operator, 'Remove');
  await operator.getByText('Removed: Chrome on Linux.').waitFor();
  assert.deepEqual(await passkeysOf(user), []);
  for (const p of [page, operator]) await p.done();
});

for (const language of ['de', 'es', 'fr', 'ja', 'pt']) {
  test(`nothing is cut: ${language}`, async () => {
    const texts = JSON.parse(await readFile(new URL(`../../internal/web/appearance/texts/${language}.json`, import.meta.url), 'utf8'));
    const user = await server.userNamed(`passkey_${language}`, { totp_secret: secret });
    const { page, key } = await security(user, { options: { locale: language }, factor: secret });
    const title = (key) => page.getByRole('heading', { name: texts[key] }).waitFor();
    const addNew = () => page.locator('[data-key=add-passkey]').press('Enter');
    await title('security.passkeys');
    await addNew();
    await title('passkey.name.title');
    await fits(page, `passkey-name-${language}`);
    await page.keyboard.press('Enter');
    await closed(page);
    await fits(page, `passkeys-${language}`);
    await addNew();
    await page.getByText(texts['passkey.exists']).waitFor();
    await fits(page, `passkey-exists-${language}`);
    await page.keyboard.press('Escape');
    await key.verifies(false);
    await page.context().clearCookies();
    await page.goto('/sign-in?redirect_url=/account/security');
    await title('signin.title');
    await page.getByRole('button', { name: texts['passkey.sign_in'] }).press('Enter');
    await page.getByText(texts['passkey.none']).waitFor();
    await fits(page, `sign-in-passkey-${language}`);
    await page.locator('input[name=username]').fill(`passkey_${language}@example.com`);
    await page.locator('input[type=password]').fill('correct horse');
    await page.keyboard.press('Enter');
    await title('passkey.title');
    await fits(page, `second-factor-passkey-${language}`);
    await page.done();
  });
}
