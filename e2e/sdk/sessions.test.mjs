// Sessions: enforced enrolment, reload, tabs, sign-out and revocation elsewhere, tokens, and the client's cookies.
import assert from 'node:assert/strict';
import { journey, visitor } from '../lib/browser.mjs';
import { until } from '../lib/countersign.mjs';
import { world } from '../lib/world.mjs';
import { addPhone, fill, firstFactor, heading, listed, number, open, press, reserve, session, shows, signIn, newUser, status, visit } from '../lib/person.mjs';

const w = world();

/** The claims of the session token in the page's cookie. */
async function claims(page) {
  const cookie = (await page.context().cookies(page.url())).find(c => c.name === '__session');
  return cookie && JSON.parse(Buffer.from(cookie.value.split('.')[1], 'base64url'));
}

/** Enrols an authenticator app on the page of the task, and goes on. */
async function enrolsApp(page) {
  await page.getByRole('link', { name: 'Use an authenticator app' }).click();
  await fill(page, 'Code', await w.api.totp(await page.getByLabel('Secret').innerText()));
  await press(page, 'Verify');
  await shows(page.getByRole('paragraph'), 'The authenticator app is connected');
  await visit(page, '/task');
  await press(page, 'Finish');
}

const refocus = page => page.evaluate(() => dispatchEvent(new Event('focus')));

journey('enforced enrolment by authenticator app: a pending session, and the task is gone after it', w, async ({ page }) => {
  const max = await newUser(w);
  await w.api.settings({ mfa_required: true });
  try {
    await firstFactor(w, page, max);
    await heading(page, 'Protect your account');
    await status(page, 'pending, task setup-mfa, one factor');
    assert.equal((await w.api.sessions(max.id))[0].status, 'pending');
    assert.equal((await claims(page)).sts, 'pending');
    await press(page, 'Finish'); // no factor is enrolled yet
    await status(page, 'pending, task setup-mfa, one factor');
    await enrolsApp(page);
    await heading(page, 'Home');
    await status(page, 'active, two factors');
    assert.equal((await w.api.sessions(max.id))[0].status, 'active');
    assert.equal((await claims(page)).sts, 'active');

    await visit(page, '/authenticator'); // the last factor cannot go while one is required
    await press(page, 'Disable');
    await shows(page.getByRole('alert'), 'second_factor_deletion_not_allowed');
    assert.equal((await w.api.user(max.id)).totp_enabled, true);
  } finally {
    await w.api.settings({ mfa_required: false });
  }
});

journey('enforced enrolment by text message', w, async ({ page }) => {
  const max = await newUser(w), to = number();
  await w.api.settings({ mfa_required: true });
  try {
    await firstFactor(w, page, max);
    await page.getByRole('link', { name: 'Use text messages' }).click();
    await fill(page, 'Phone number', to);
    await press(page, 'Continue');
    await fill(page, 'Code', await w.api.code(to));
    await press(page, 'Verify');
    await reserve(page, to);
    await visit(page, '/task');
    await press(page, 'Finish');
    await heading(page, 'Home');
    await status(page, 'active, two factors');
    assert.equal((await w.api.sessions(max.id))[0].status, 'active');
  } finally {
    await w.api.settings({ mfa_required: false });
  }
});

journey('two people: the marked one must enrol from a date on, and that session alone becomes pending', w, async ({ page }) => {
  const [marked, free] = [await newUser(w), await newUser(w)];
  const from = Date.parse((await w.api.dev('GET', '/clock')).now) + 60_000;
  await w.api.backend('PATCH', `/v1/users/${marked.id}`, { mfa_required: true, mfa_required_from: from });
  await signIn(w, page, marked);
  const other = await visitor(w.browser);
  const second = await other.context.newPage();
  await signIn(w, second, free);
  assert.equal((await claims(page)).sts, 'active', 'before the date');
  // The date moves and not the clock: other tests of this file compare the clocks of server and browser.
  await w.api.backend('PATCH', `/v1/users/${marked.id}`, { mfa_required: true, mfa_required_from: from - 120_000 });
  await page.reload();
  await status(page, 'pending, task setup-mfa, one factor');
  await second.reload();
  await status(second, `Signed in as ${free.email}`);
  assert.deepEqual([(await w.api.sessions(marked.id))[0].status, (await w.api.sessions(free.id))[0].status], ['pending', 'active']);
  await visit(page, '/task');
  await enrolsApp(page);
  await status(page, 'active, two factors');
  await visit(page, '/authenticator');
  await press(page, 'Disable');
  await shows(page.getByRole('alert'), 'second_factor_deletion_not_allowed');
  other.verify();
  await other.context.close();
});

journey('a reload and a second tab stay signed in; signing out in one signs out the other', w, async ({ page, context }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  const id = await session(page);
  await page.reload();
  await status(page, `Signed in as ${max.email}`);
  assert.equal(await session(page), id);
  const second = await context.newPage();
  await open(w, second, '/');
  await status(second, `Signed in as ${max.email}`);
  assert.equal(await session(second), id);
  await press(second, 'Sign out');
  await status(second, 'Signed out');
  await page.bringToFront();
  await status(page, 'Signed out');
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('a change in one tab shows in the other when it gets the focus', w, async ({ page, context }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  const second = await context.newPage();
  await open(w, second, '/phones');
  await heading(second, 'Text messages');
  await page.bringToFront();
  await addPhone(w, page, to);
  await reserve(page, to);
  await second.bringToFront();
  await refocus(second);
  await listed(second, 'In use', to);
  await status(second, 'two factors');
});

journey('a session revoked by the team turns the page signed-out', w, async ({ page }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await w.api.backend('POST', `/v1/sessions/${await session(page)}/revoke`);
  await visit(page, '/backup-codes');
  await press(page, 'Make new codes'); // the first call after the session ended
  await status(page, 'Signed out');
  assert.equal(await claims(page), undefined);
});

journey('a banned person is signed out when the page gets the focus', w, async ({ page }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await w.api.backend('POST', `/v1/users/${max.id}/ban`);
  await refocus(page);
  await status(page, 'Signed out');
  await firstFactor(w, page, max);
  await shows(page.getByRole('alert'), 'user_banned');
});

journey('a session of another browser is listed, and revoked from here', w, async ({ page }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  const other = await visitor(w.browser);
  const there = await other.context.newPage();
  await signIn(w, there, max);
  const id = await session(there);
  await page.evaluate(async id => {
    const found = (await window.Clerk.user.getSessions()).find(s => s.id === id);
    await found.revoke();
  }, id);
  assert.deepEqual((await w.api.sessions(max.id)).map(s => s.id), [await session(page)]);
  await refocus(there);
  await status(there, 'Signed out');
  await status(page, 'Signed in');
  other.verify();
  await other.context.close();
});

journey('a token is renewed before it runs out', w, async ({ page }) => {
  const max = await newUser(w);
  await page.clock.install();
  await signIn(w, page, max);
  const first = await claims(page);
  assert.equal(first.exp - first.iat, 60);
  assert.equal(first.sub, max.id);
  assert.equal(first.azp, w.site.url);
  await w.api.advance(44);
  const renewed = page.waitForResponse(r => r.url().includes('/tokens') && r.ok());
  await page.clock.fastForward(44_000);
  await renewed;
  const second = await until(async () => (c => c?.jti !== first.jti && c)(await claims(page)), 'another token in the cookie');
  assert.ok(second.iat >= first.iat + 44, `${second.iat} after ${first.iat}`);
  assert.equal(second.sid, first.sid);
});
