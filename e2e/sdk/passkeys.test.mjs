// Passkeys by Clerk's published SDK, with Chromium's virtual authenticator: enrolled, used as each factor, named, removed, refused.
import assert from 'node:assert/strict';
import { journey } from '../lib/browser.mjs';
import { createClerkClient } from '@clerk/backend';
import { secretKey, until } from '../lib/countersign.mjs';
import { device, meddle } from '../lib/device.mjs';
import { newUser, open, secondFactors, session, signIn, status } from '../lib/person.mjs';
import { world } from '../lib/world.mjs';

const w = world();
const all = { passkeys: true, passkey_second_factor: true, passkey_satisfies_second_factor: true };

/** Runs code of the page, and returns its value, or { code } of the error that Clerk's SDK threw. */
const attempt = (page, run, arg) => page.evaluate(async ([text, arg]) => {
  try {
    return await (0, eval)(`(${text})`)(window.Clerk, arg);
  } catch (error) {
    return { code: error.errors?.[0]?.code ?? error.code ?? String(error) };
  }
}, [String(run), arg]);

const enrol = page => attempt(page, async clerk => ({ verified: (await clerk.user.createPasskey()).verification.status }));
const discover = page => attempt(page, async clerk => {
  const done = await clerk.client.signIn.authenticateWithPasskey({ flow: 'discoverable' });
  if (done.status === 'complete') await clerk.setActive({ session: done.createdSessionId });
  return { status: done.status, factors: done.supportedSecondFactors?.map(f => f.strategy) };
});
const ages = page => attempt(page, async clerk => clerk.session.factorVerificationAge);
const names = async id => (await w.api.user(id)).passkeys.map(p => p.name);
const signOut = async page => {
  await page.evaluate(() => window.Clerk.signOut());
  await status(page, 'Signed out');
};

/** A user who is signed in, with a device. */
async function withDevice(page) {
  await w.api.settings({ ...all, ...w.set });
  const own = await device(page);
  const max = await newUser(w);
  await signIn(w, page, max);
  return { max, own };
}

/** Gives a user an authenticator app, by the Backend API. */
async function addApp(max) {
  max.secret = secondFactors().totp_secret;
  await w.api.backend('PATCH', `/v1/users/${max.id}`, { totp_secret: max.secret });
}

/** A user with a passkey and an authenticator app, signed out. */
async function withPasskey(page) {
  const { max, own } = await withDevice(page);
  assert.equal((await enrol(page)).verified, 'verified');
  await signOut(page);
  await addApp(max);
  return { max, own };
}

/** Signs in with a ticket up to the second factor. */
const halfway = async (page, max) => attempt(page, async (clerk, ticket) => {
  const one = await clerk.client.signIn.create({ strategy: 'ticket', ticket });
  return { status: one.status, factors: one.supportedSecondFactors.map(f => f.strategy) };
}, await w.api.ticket(max.id));
const second = page => attempt(page, async clerk => {
  const done = await clerk.client.signIn.authenticateWithPasskey();
  if (done.status === 'complete') await clerk.setActive({ session: done.createdSessionId });
  return { status: done.status };
});

journey('enrolled, named, listed, removed', w, async ({ page }) => {
  const { max, own } = await withDevice(page);
  const made = await enrol(page);
  assert.equal(made.verified, 'verified');
  assert.equal((await own.credentials()).length, 1);
  assert.equal((await own.credentials())[0].rpId, 'localhost');
  assert.equal(await attempt(page, async clerk => (await clerk.user.passkeys[0].update({ name: 'Blue key' })).name), 'Blue key');
  assert.deepEqual(await names(max.id), ['Blue key']);
  assert.equal((await w.api.user(max.id)).two_factor_enabled, false, 'a passkey alone switches no MFA on');
  assert.deepEqual(await enrol(page), { code: 'passkey_already_exists' }, 'the browser makes no second one in the same device');
  await attempt(page, clerk => clerk.user.passkeys[0].delete().then(() => null));
  assert.deepEqual(await names(max.id), []);
  await signOut(page);
  assert.deepEqual(await discover(page), { code: 'passkey_not_registered' });
});

journey('removed by the team, with @clerk/backend: it signs nobody in any more', w, async ({ page }) => {
  const { max } = await withPasskey(page);
  const [{ id }] = (await w.api.user(max.id)).passkeys;
  const clerk = createClerkClient({ secretKey, publishableKey: w.api.publishableKey, apiUrl: w.api.url, telemetry: { disabled: true } });
  const gone = await clerk.users.deleteUserPasskey({ userId: max.id, passkeyIdentificationId: id });
  assert.deepEqual([gone.id, gone.deleted], [id, true]);
  assert.deepEqual(await names(max.id), []);
  assert.equal((await discover(page)).status, undefined);
});

journey('cancelled: the browser removes what it began, and the next enrolment works', w, async ({ page }) => {
  const { max, own } = await withDevice(page);
  await page.evaluate(() => {
    const create = navigator.credentials.create;
    navigator.credentials.create = () => { navigator.credentials.create = create; return Promise.reject(new DOMException('cancelled', 'NotAllowedError')); };
  });
  assert.deepEqual(await enrol(page), { code: 'passkey_registration_cancelled' });
  await until(async () => (await names(max.id)).length === 0, 'the end of the enrolment');
  assert.equal((await enrol(page)).verified, 'verified');
  assert.equal((await own.credentials()).length, 1);
});

journey('first factor: a passkey signs in without an identifier or a code, and proves both factors', w, async ({ page }) => {
  const { max } = await withPasskey(page);
  assert.deepEqual(await discover(page), { status: 'complete', factors: undefined });
  await status(page, `Signed in as ${max.email}, active`);
  assert.deepEqual(await ages(page), [0, 0]);
  assert.equal((await w.api.sessions(max.id)).length, 1);
});

journey('first factor: where the setting is off, the second factor is asked for', w, async ({ page }) => {
  w.set = { passkey_satisfies_second_factor: false };
  try {
    const { max } = await withPasskey(page);
    const asked = await discover(page);
    assert.equal(asked.status, 'needs_second_factor');
    assert.deepEqual(asked.factors, ['totp'], 'the passkey is not offered as both factors');
    const done = await attempt(page, async (clerk, code) => (await clerk.client.signIn.attemptSecondFactor({ strategy: 'totp', code })).status, await w.api.totp(max.secret));
    assert.equal(done, 'complete');
  } finally {
    w.set = {};
  }
});

journey('second factor: by signIn.mfa.passkey() of the newer hooks', w, async ({ page }) => {
  const { max } = await withPasskey(page);
  await halfway(page, max);
  const done = await attempt(page, async clerk => {
    const one = clerk.client.signIn.__internal_future;
    const { error } = await one.mfa.passkey();
    if (error) throw error;
    await one.finalize();
    return one.status;
  });
  assert.equal(done, 'complete');
  await status(page, `Signed in as ${max.email}, active`);
});

journey('second factor: offered last, and it signs in', w, async ({ page }) => {
  const { max } = await withPasskey(page);
  assert.deepEqual(await halfway(page, max), { status: 'needs_second_factor', factors: ['totp', 'passkey'] });
  assert.deepEqual(await second(page), { status: 'complete' });
  await status(page, `Signed in as ${max.email}, active`);
  assert.deepEqual(await ages(page), [0, 0]);
});

for (const [level, which] of [['first_factor', 'first_factor'], ['second_factor', 'second_factor'], ['multi_factor', 'first_factor']]) {
  journey(`step-up of the level ${level} by passkey`, w, async ({ page }) => {
    const { max } = await withPasskey(page);
    await discover(page);
    await status(page, `Signed in as ${max.email}`);
    await w.api.age(await session(page), 11);
    const done = await attempt(page, async (clerk, [level, which]) => {
      await clerk.session.startVerification({ level });
      const done = await clerk.session.verifyWithPasskey({ level: which });
      return done.status;
    }, [level, which]);
    assert.equal(done, 'complete');
    const token = await attempt(page, async clerk => JSON.parse(atob((await clerk.session.getToken({ skipCache: true })).split('.')[1])).fva);
    assert.deepEqual(token, level === 'second_factor' ? [11, 0] : [0, 0], 'ages in the token');
  });
}

journey('ten keys, and no eleventh', w, async ({ page }) => {
  const { max, own } = await withDevice(page);
  for (let i = 0; i < 10; i++) {
    assert.equal((await enrol(page)).verified, 'verified', `key ${i + 1}`);
    await own.clear(); // as another device
  }
  assert.deepEqual(await enrol(page), { code: 'passkey_quota_exceeded' });
  assert.equal((await names(max.id)).length, 10);
});

journey('another user\'s key, and one that no account has', w, async ({ page }) => {
  const { own } = await withPasskey(page);
  const [credential] = await own.credentials();
  await own.clear();
  const other = await newUser(w);
  await signIn(w, page, other);
  assert.equal((await enrol(page)).verified, 'verified');
  await signOut(page);
  await addApp(other);
  await own.clear();
  await own.add({ ...credential, userHandle: Buffer.from('nobody').toString('base64') });
  assert.deepEqual(await discover(page), { code: 'passkey_not_registered' });
  await own.clear();
  await own.add(credential);
  assert.equal((await halfway(page, other)).status, 'needs_second_factor');
  assert.deepEqual(await second(page), { code: 'passkey_retrieval_cancelled' }, 'the browser finds no allowed key');
  assert.deepEqual(await w.api.sessions(other.id), []);
});

journey('no user verification: the browser refuses, and so does the server', w, async ({ page }) => {
  const { max, own } = await withPasskey(page);
  await halfway(page, max);
  await own.verifies(false);
  assert.deepEqual(await second(page), { code: 'passkey_retrieval_cancelled' });
  // A browser that does not insist on what the options ask.
  await page.evaluate(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = o => get({ ...o, publicKey: { ...o.publicKey, userVerification: 'discouraged' } });
  });
  assert.deepEqual(await second(page), { code: 'passkey_authentication_failure' });
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('another origin: an answer that another page obtained proves nothing', w, async ({ page }) => {
  const { max } = await withPasskey(page);
  await halfway(page, max);
  await meddle(page, response => ({ ...response, clientDataJSON: response.clientDataJSON.replace(/"origin":"[^"]*"/, '"origin":"https://evil.test"') }));
  assert.deepEqual(await second(page), { code: 'passkey_authentication_failure' });
  assert.deepEqual(await w.api.sessions(max.id), []);
});

journey('a counter that goes back blocks the key', w, async ({ page }) => {
  const { max, own } = await withPasskey(page);
  assert.deepEqual(await discover(page), { status: 'complete', factors: undefined });
  await signOut(page);
  const [copy] = await own.credentials();
  await own.clear();
  await own.add({ ...copy, signCount: 0 });
  assert.deepEqual(await discover(page), { code: 'passkey_authentication_failure' });
  await own.clear();
  await own.add({ ...copy, signCount: 1000 });
  assert.deepEqual(await discover(page), { code: 'passkey_not_registered' });
  assert.deepEqual((await halfway(page, max)).factors, ['totp']);
});
