// The native surface: clerk-js headless with Expo's request hooks. No cookie, no development browser, the client token in a header.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCountersign, wrong } from '../lib/countersign.mjs';
import { startApp } from '../lib/native.mjs';
import { number, password, secondFactors, newUser } from '../lib/person.mjs';

const w = {};
before(async () => { w.api = await startCountersign(); });
after(() => w.api.stop());

const refused = (promise, code) => assert.rejects(promise, error => { assert.equal(error.errors?.[0]?.code, code); return true; });

async function signedIn(clerk, max) {
  const signIn = await clerk.client.signIn.create({ identifier: max.email, password });
  assert.equal(signIn.status, 'complete');
  await clerk.setActive({ session: signIn.createdSessionId });
  assert.equal(clerk.user.id, max.id);
}

test('sign-in with every second factor; the token changes and is kept over a restart', async () => {
  const max = await newUser(w, secondFactors());
  const kept = new Map();
  const clerk = await startApp(w.api, kept);
  const answers = { totp: () => w.api.totp(max.secret), phone_code: () => w.api.code(max.phone), backup_code: () => max.backup[0] };
  const seen = new Set();
  for (const [strategy, answer] of Object.entries(answers)) {
    const signIn = await clerk.client.signIn.create({ strategy: 'ticket', ticket: await w.api.ticket(max.id) });
    assert.equal(signIn.status, 'needs_second_factor');
    assert.deepEqual(signIn.supportedSecondFactors.map(f => f.strategy), ['totp', 'phone_code', 'backup_code']);
    if (strategy === 'phone_code') await signIn.prepareSecondFactor({ strategy });
    const code = await answer();
    await refused(signIn.attemptSecondFactor({ strategy, code: strategy === 'backup_code' ? 'aaaaa-aaaaa' : wrong(code) }), 'form_code_incorrect');
    const done = await signIn.attemptSecondFactor({ strategy, code });
    assert.equal(done.status, 'complete');
    await clerk.setActive({ session: done.createdSessionId });
    assert.deepEqual((await w.api.sessions(max.id)).map(s => s.id), [clerk.session.id]);
    seen.add([...kept.values()].join());
    if (strategy !== 'backup_code') await clerk.signOut();
  }
  assert.equal(seen.size, 3, 'one token for all sign-ins');

  const again = await startApp(w.api, kept);
  assert.equal(again.session.id, clerk.session.id);
  assert.equal(again.user.twoFactorEnabled, true);
  await again.signOut();
  assert.deepEqual(await w.api.sessions(max.id), []);
  assert.equal((await startApp(w.api, kept)).session, null);
});

test('numbers, authenticator app and backup codes', async () => {
  const max = await newUser(w), to = number();
  const clerk = await startApp(w.api);
  await signedIn(clerk, max);
  const phone = await clerk.user.createPhoneNumber({ phoneNumber: to });
  await phone.prepareVerification();
  const code = await w.api.code(to);
  await refused(phone.attemptVerification({ code: wrong(code) }), 'form_code_incorrect');
  assert.equal((await phone.attemptVerification({ code })).verification.status, 'verified');
  const reserved = await phone.setReservedForSecondFactor({ reserved: true });
  assert.equal(reserved.backupCodes.length, 10);
  assert.equal(clerk.user.twoFactorEnabled, true);

  const totp = await clerk.user.createTOTP();
  await refused(clerk.user.verifyTOTP({ code: wrong(await w.api.totp(totp.secret)) }), 'form_code_incorrect');
  assert.equal((await clerk.user.verifyTOTP({ code: await w.api.totp(totp.secret) })).verified, true);
  assert.equal((await clerk.user.createBackupCode()).codes.length, 10);
  let user = await w.api.user(max.id);
  assert.deepEqual([user.totp_enabled, user.two_factor_enabled, user.backup_code_enabled], [true, true, true]);

  await clerk.user.disableTOTP();
  await clerk.user.phoneNumbers[0].destroy();
  assert.equal(clerk.user.twoFactorEnabled, false);
  user = await w.api.user(max.id);
  assert.deepEqual([user.totp_enabled, user.phone_numbers, user.backup_code_enabled], [false, [], false]);
  await clerk.signOut();
});

test('step-up without the modal', async () => {
  const max = await newUser(w);
  const clerk = await startApp(w.api);
  await signedIn(clerk, max);
  await w.api.age(clerk.session.id, 11);
  await refused(clerk.user.createTOTP(), 'session_reverification_required');
  await clerk.session.startVerification({ level: 'first_factor' });
  await refused(clerk.session.attemptFirstFactorVerification({ strategy: 'password', password: 'not the password' }), 'form_password_incorrect');
  const done = await clerk.session.attemptFirstFactorVerification({ strategy: 'password', password });
  assert.equal(done.status, 'complete');
  assert.match((await clerk.user.createTOTP()).uri, /^otpauth:/);
  await clerk.signOut();
});

test('a session revoked by the team is gone for the app', async () => {
  const max = await newUser(w);
  const clerk = await startApp(w.api);
  await signedIn(clerk, max);
  await w.api.backend('POST', `/v1/sessions/${clerk.session.id}/revoke`);
  await refused(clerk.user.createTOTP(), 'authentication_invalid');
  assert.equal(clerk.session ?? null, null);
});
