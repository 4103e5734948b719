// Identical concurrent requests whose answers arrive in reverse order: the user's secret and codes still work.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { world } from '../lib/world.mjs';
import { addPhone, fill, heading, number, open, press, reserve, shownCodes, shows, signIn, newUser, status, visit } from '../lib/person.mjs';

const w = world();

/** Delivers the next two answers of a path in reverse order. */
async function cross(context, path) {
  const held = [];
  await context.route(url => url.pathname.replace(/\/$/, '') === path, async route => {
    const response = await route.fetch();
    held.push({ route, response });
    if (held.length < 2) return;
    for (const { route, response } of held.splice(0).reverse()) await route.fulfill({ response });
  });
}

journey('an authenticator app begun twice at once: both answers hold the same secret, and it works', w, async ({ page, context }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  await cross(context, '/v1/me/totp');
  const secrets = await page.evaluate(async () => (await Promise.all([Clerk.user.createTOTP(), Clerk.user.createTOTP()])).map(t => t.secret));
  assert.equal(secrets[0], secrets[1]);
  await page.evaluate(code => Clerk.user.verifyTOTP({ code }), await w.api.totp(secrets[0]));
  await status(page, 'two factors');
});

journey('an authenticator app begun in two tabs: the code works in either', w, async ({ page, context }) => {
  const max = await newUser(w);
  await signIn(w, page, max);
  const second = await context.newPage();
  await open(w, second, '/');
  await status(second, 'Signed in');
  await cross(context, '/v1/me/totp');
  await Promise.all([visit(page, '/authenticator/add'), visit(second, '/authenticator/add')]);
  const shown = await Promise.all([page, second].map(p => p.getByLabel('Secret').innerText()));
  assert.equal(shown[0], shown[1]);
  await fill(page, 'Code', await w.api.totp(shown[0]));
  await press(page, 'Verify');
  await shows(page.getByRole('paragraph'), 'The authenticator app is connected');
  assert.equal((await w.api.user(max.id)).totp_enabled, true);
});

journey('backup codes made twice at once: the page shows a set that works', w, async ({ page, context }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  await addPhone(w, page, to);
  await reserve(page, to);
  await shownCodes(page);
  await w.api.advance(6);
  await cross(context, '/v1/me/backup_codes');
  const sets = await page.evaluate(async () => (await Promise.all([Clerk.user.createBackupCode(), Clerk.user.createBackupCode()])).map(b => b.codes));
  assert.deepEqual(sets[0], sets[1]);
  for (const code of sets[0].slice(0, 2)) {
    assert.equal((await w.api.backend('POST', `/v1/users/${max.id}/verify_totp`, { code })).code_type, 'backup_code');
  }
});

journey('a code sent twice at once: one message, and its code works', w, async ({ page, context }) => {
  const max = await newUser(w), to = number();
  await signIn(w, page, max);
  const second = await context.newPage();
  await open(w, second, '/');
  await status(second, 'Signed in');
  const id = await page.evaluate(async phoneNumber => (await Clerk.user.createPhoneNumber({ phoneNumber })).id, to);
  await second.evaluate(() => Clerk.user.reload());
  const outcomes = await Promise.all([page, second].map(p => p.evaluate(
    id => Clerk.user.phoneNumbers.find(n => n.id === id).prepareVerification().then(() => 'sent', e => e.errors[0].code), id)));
  assert.deepEqual(outcomes, ['sent', 'sent']);
  assert.equal((await w.api.messages(to)).length, 1);
  await second.evaluate(({ id, code }) => Clerk.user.phoneNumbers.find(n => n.id === id).attemptVerification({ code }), { id, code: await w.api.code(to) });
  assert.equal((await w.api.user(max.id)).phone_numbers[0].verification.status, 'verified');
  await visit(second, '/phones');
  await heading(second, 'Text messages');
});
